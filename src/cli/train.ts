import type { CommandModule } from 'yargs';
import type { TrainEvent } from '../train/loop.js';
import { withInterrupt } from './interrupt.js';
import { formatDuration, type Progress, printError, printLine, startProgress } from './output.js';

interface TrainArguments {
  config: string | undefined;
  out: string;
  set: string[] | undefined;
  resume: boolean;
  steps: number | undefined;
}

/** The two sums and the speed, for the progress line. */
function stepNote(event: Extract<TrainEvent, { type: 'step' }>): string {
  const sum = (side: string) =>
    Object.entries(event.terms)
      .filter(([name]) => name.startsWith(side))
      .reduce((total, [, value]) => total + value, 0);
  return `loss G ${sum('generators').toFixed(2)}, D ${sum('discriminators').toFixed(2)}`;
}

/** Shows a run's events on the terminal. @returns whether it was interrupted. */
export async function showTraining(events: AsyncIterable<TrainEvent>): Promise<boolean> {
  let progress: Progress | undefined;
  let interrupted = false;
  let first = 0;
  for await (const event of events) {
    switch (event.type) {
      case 'start': {
        const { generators, discriminators } = event.parameters;
        const million = (count: number) => `${(count / 1e6).toFixed(2)} million`;
        printLine(
          `Training ${event.step > 0 ? `from step ${event.step} ` : ''}to step ${event.steps}: ` +
            `${million(generators)} generator and ${million(discriminators)} discriminator parameters.`,
        );
        first = event.step;
        progress = startProgress({ label: 'training', total: event.steps - event.step, unit: 'steps' });
        break;
      }
      case 'step':
        progress?.update(event.step - first, stepNote(event));
        break;
      case 'samples':
        printLine(`Samples of step ${event.step}: ${event.path}`);
        break;
      case 'checkpoint':
        printLine(`Checkpoint of step ${event.step}: ${event.dir}`);
        break;
      case 'bad-file':
        printError(`gnr: passed over ${event.file}: ${String((event.error as Error).message)}`);
        break;
      case 'skipped-checkpoint':
        printError(
          `gnr: passed over the damaged checkpoint ${event.dir}: ${String((event.error as Error).message)}`,
        );
        break;
      case 'end':
        progress?.finish();
        interrupted = event.interrupted;
        break;
    }
  }
  return interrupted;
}

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'Train a model on two folders of pictures',
  builder: (yargs) =>
    yargs
      .option('config', { type: 'string', describe: 'Config file (JSON); see configs/' })
      .option('out', { type: 'string', demandOption: true, describe: 'Run directory' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Override of a config key, KEY=VALUE; may be repeated',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: "Go on from the run's newest checkpoint",
      })
      .option('steps', {
        type: 'number',
        describe: 'Length of the training; short for --set training.steps=N',
      })
      .example('$0 train --config configs/selfie2anime.json --out runs/first --set data.root=DIR', '')
      .example('$0 train --out runs/first --resume', 'with the config of the run'),
  handler: async ({ config: file, out, set = [], resume, steps }) => {
    const { loadConfig } = await import('../config/load.js');
    const { InputError, InterruptedError } = await import('../errors.js');
    const { loadEngine } = await import('../runtime/node.js');
    const { resumedConfig, trainRun } = await import('../train/loop.js');
    const overrides = steps === undefined ? set : [...set, `training.steps=${steps}`];
    if (!resume && file === undefined)
      throw new InputError({
        expected: '--config FILE for a new run',
        found: 'none',
        remedy: 'name a config such as configs/selfie2anime.json, or add --resume to go on with a run',
      });
    const config =
      resume && file === undefined ? await resumedConfig(out, overrides) : loadConfig({ file, overrides });
    await loadEngine();
    const began = performance.now();
    const interrupted = await withInterrupt((signal) =>
      showTraining(trainRun({ config, runDir: out, resume, signal })),
    );
    if (interrupted) throw new InterruptedError(`stopped; go on with: gnr train --out ${out} --resume`);
    printLine(`Done in ${formatDuration((performance.now() - began) / 1000)}: ${out}`);
  },
};
