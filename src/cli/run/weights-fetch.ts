// What `gnr weights fetch` does.
import { type FetchEvent, fetchWeights } from '../../weights/fetch.js';
import { WEIGHT_NAMES } from '../../weights/names.js';
import { withInterrupt } from '../interrupt.js';
import { printError, printLine } from '../output.js';
import { type Stages, startStages } from '../stages.js';
import type { FetchArguments } from '../weights.js';

type Incident = Exclude<FetchEvent, { kind: 'progress' | 'import' | 'there' | 'done' }>;

function describeIncident(event: Incident): string {
  switch (event.kind) {
    case 'start':
      return event.url.startsWith('http:')
        ? `fetching ${event.url}, unencrypted: others on the way can see it, and its hash decides whether it is the official file`
        : `fetching ${event.url}`;
    case 'retry':
      return `${event.reason}; trying again${event.waitSeconds > 0 ? ` in ${Math.ceil(event.waitSeconds)} s` : ''}`;
    case 'restart':
      return `${event.reason}; starting from the beginning`;
    case 'wait':
      return `waiting for another process${event.pid ? ` (${event.pid})` : ''} that fetches it`;
  }
}

/** Shows an event of a fetch: bytes as progress, the rest as lines. */
function show(stages: Stages, event: FetchEvent): void {
  if (event.kind === 'progress' || event.kind === 'import') {
    const label = `${event.kind === 'import' ? 'importing' : 'fetching'} ${event.name}`;
    const { doneBytes, totalBytes } = event;
    stages.update({ label, total: totalBytes, from: doneBytes, unit: 'bytes' }, doneBytes);
    return;
  }
  stages.close();
  if (event.kind === 'there') printLine(`${event.name} is there already.`);
  else if (event.kind === 'done') printLine(`${event.name}: ${event.file}`);
  else printError(`gnr: ${event.name}: ${describeIncident(event)}`);
}

/** Fetches each of the named weights once. */
export async function run({ names, from }: FetchArguments): Promise<void> {
  const stages = startStages();
  const onEvent = (event: FetchEvent): void => show(stages, event);
  const chosen = new Set(names.flatMap((name) => (name === 'all' ? WEIGHT_NAMES : [name])));
  try {
    await withInterrupt(async (signal) => {
      for (const name of chosen) await fetchWeights(name, { from, signal, onEvent });
    });
  } finally {
    stages.close();
  }
}
