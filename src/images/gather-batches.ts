// Shows every rank what all of them have translated, in the order in which one process would have.
import { type ErrorDetails, InputError } from '../base/errors.js';
import type { DecodedImage } from '../data/decode.js';
import type { InputImage } from '../data/image-arrays.js';
import type { World } from '../distributed/world.js';
import type { TranslateEvent, Written } from './translate-images.js';

type FailedEvent = Extract<TranslateEvent, { type: 'failed' }>;
/** An event whose error JSON can express. */
type SentEvent =
  | Exclude<TranslateEvent, FailedEvent>
  | { type: 'failed'; file: string; details: ErrorDetails };

interface Sent {
  /** Absent if this rank has no batch left. */
  events?: SentEvent[];
  /** Width and height of the images of each row. */
  rows: [width: number, height: number][][];
  /** Whether this rank was told to stop. */
  isStopping: boolean;
}

function sentEvent(event: TranslateEvent): SentEvent {
  return event.type === 'failed' ? { type: 'failed', file: event.file, details: event.error.details } : event;
}

function receivedEvent(event: SentEvent): TranslateEvent {
  return event.type === 'failed'
    ? { type: 'failed', file: event.file, error: new InputError(event.details) }
    : event;
}

/** Takes the images of rows, which have these sizes, out of their joined bytes. */
function rowsOf(sizes: Sent['rows'], bytes: Uint8Array): DecodedImage[][] {
  let from = 0;
  return sizes.map((row) =>
    row.map(([width, height]) => {
      const end = from + width * height * 3;
      const data = bytes.slice(from, end);
      from = end;
      return { data, width, height };
    }),
  );
}

/**
 * Takes a batch of each rank at a time and yields them in the order of the ranks. If a rank stops, all do.
 * @param own yields the batches of this rank: every `world.size`th, from `world.rank` on.
 * @param stop stops `own` after its current batch.
 */
export async function* gatherBatches(
  own: AsyncGenerator<Written, void>,
  world: World,
  { signal, stop }: { signal: AbortSignal | undefined; stop: () => void },
): AsyncGenerator<Written> {
  try {
    for (;;) {
      const next = await own.next();
      const rows = next.done ? [] : next.value.rows;
      const all = await world.gatherValues<Sent>({
        ...(!next.done && { events: next.value.events.map(sentEvent) }),
        rows: rows.map((row) => row.map(({ width, height }) => [width, height])),
        isStopping: signal?.aborted === true,
      });
      if (all.every(({ events }) => events === undefined)) return;
      if (all.some(({ isStopping }) => isStopping)) stop();
      const hasRows = all.some((sent) => sent.rows.length > 0);
      const pixels = hasRows ? await world.gather(Buffer.concat(rows.flat().map(({ data }) => data))) : [];
      for (const [rank, { events, rows: sizes }] of all.entries())
        if (events !== undefined)
          yield { events: events.map(receivedEvent), rows: hasRows ? rowsOf(sizes, pixels[rank]!) : [] };
    }
  } finally {
    await own.return();
  }
}

/** An input without its bytes, as JSON can express it. */
interface SentInput {
  file: string;
  name: string;
  byteLength?: number;
  details?: ErrorDetails;
}

/** The inputs that rank 0 has collected, on all ranks: they see the same list, and standard input, which only rank 0 has. */
export async function shareInputs(world: World, collect: () => Promise<InputImage[]>): Promise<InputImage[]> {
  const inputs = world.isFirst ? await world.alone(collect) : [];
  if (world.size === 1) return inputs;
  const sent = await world.broadcastValue(
    inputs.map(
      ({ file, name, bytes, error }): SentInput => ({
        ...{ file, name },
        ...(bytes && { byteLength: bytes.length }),
        ...(error && { details: error.details }),
      }),
    ),
  );
  const shared: InputImage[] = [];
  for (const [i, { file, name, byteLength, details }] of sent.entries())
    shared.push({
      ...{ file, name },
      ...(byteLength !== undefined && {
        bytes: await world.broadcast(inputs[i]?.bytes ?? new Uint8Array(byteLength)),
      }),
      ...(details && { error: new InputError(details) }),
    });
  return shared;
}
