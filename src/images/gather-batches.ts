// Shows every rank what all of them have translated, in the order in which one process would have.
import { type ErrorDetails, InputError } from '../base/errors.js';
import type { InputImage } from '../data/image-arrays.js';
import { gatherInOrder } from '../distributed/share.js';
import type { World } from '../distributed/world.js';
import type { TranslateEvent, Written } from './translate-images.js';

type FailedEvent = Extract<TranslateEvent, { type: 'failed' }>;
/** An event whose error structured clones can express. */
type SentEvent =
  | Exclude<TranslateEvent, FailedEvent>
  | { type: 'failed'; file: string; details: ErrorDetails };

/** A batch of which structured clones can express everything. */
type Sent = Omit<Written, 'events'> & { events: SentEvent[] };

function sentEvent(event: TranslateEvent): SentEvent {
  return event.type === 'failed' ? { type: 'failed', file: event.file, details: event.error.details } : event;
}

function receivedEvent(event: SentEvent): TranslateEvent {
  return event.type === 'failed'
    ? { type: 'failed', file: event.file, error: new InputError(event.details) }
    : event;
}

/**
 * Yields the batches of all ranks in the order of the images. If a rank stops, all do.
 * @param share yields the batches of this rank until its signal aborts: every `world.size`th, from `world.rank` on.
 */
export async function* gatherBatches(
  share: (signal: AbortSignal | undefined) => AsyncGenerator<Written, void>,
  world: World,
  signal: AbortSignal | undefined,
): AsyncGenerator<Written> {
  const batches = gatherInOrder<Sent>(world, signal, async function* (either) {
    for await (const { events, ...rest } of share(either)) yield { ...rest, events: events.map(sentEvent) };
  });
  for await (const { events, ...rest } of batches) yield { ...rest, events: events.map(receivedEvent) };
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
