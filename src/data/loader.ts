import { InputError, messageOf, RunError } from '../errors.js';
import { type DecodedImage, type DecodeOptions, decodeImage, type Fit } from './decode.js';
import { ImageCache } from './image-cache.js';
import { Sampler, type SamplerState } from './sampler.js';

const BAD_SHARE = 0.01;
/** A small set may lose this many files before their share counts. */
const BAD_FILES_ALWAYS_ALLOWED = 3;
const NAMED_IN_ERROR = 5;

export interface LoadedBatch {
  /** [batch, size, size, 3], 8-bit sRGB. */
  images: Uint8Array;
  /** Where each picture of the batch came from. */
  files: string[];
}

export interface ImageLoaderOptions {
  files: readonly string[];
  /** Side of the pictures in px. */
  size: number;
  fit?: Fit;
  /** Where to begin; the loader goes on with a copy. Its count is that of `files`. */
  sampler: Sampler;
  batch: number;
  /** How many bytes of decoded pictures are kept (least recently used go first); 0 where it is left out. */
  cacheBytes?: number;
  /** Batches decoded ahead; 2 where it is left out, 0 for none. */
  prefetch?: number;
  /** Told once of every file that could not be decoded, when the first batch that it is missing from is delivered. */
  onBadFile?: (file: string, error: unknown) => void;
  /** In place of `decodeImage`, for pictures that are not files. */
  decode?: (file: string, options: DecodeOptions) => Promise<DecodedImage>;
}

type Decoded = { data: Uint8Array } | { error: unknown };

/** One place of a batch: the picture that fills it (none if too many failed), and the files that failed before it. */
interface Slot {
  picture?: { index: number; data: Uint8Array };
  failed: Array<{ index: number; error: unknown }>;
}

interface PendingBatch {
  slots: Promise<Slot[]>;
  stateAfter: SamplerState;
}

/**
 * Batches of pictures in the order of a sampler, decoded on sharp's threads while the caller works on the batch before.
 *
 * The batches depend only on files, seed and position, never on timing: a file that cannot be decoded is replaced by the
 * next good one in the list (after the last comes the first), which needs no random numbers and no memory of failures.
 */
export class ImageLoader {
  private readonly options: ImageLoaderOptions;
  private readonly sampler: Sampler;
  private readonly cache: ImageCache;
  private readonly decoding = new Map<number, Promise<Decoded>>();
  private readonly errors = new Map<number, unknown>();
  private readonly reported = new Set<number>();
  private readonly queue: PendingBatch[] = [];
  private readonly badFilesLimit: number;
  private delivered: SamplerState;
  private lastCall: Promise<unknown> = Promise.resolve();
  private failure: RunError | undefined;
  private isClosed = false;

  /** @throws InputError where the sampler was made for another number of files. */
  constructor(options: ImageLoaderOptions) {
    const { files, sampler, cacheBytes } = options;
    if (files.length !== sampler.count) {
      throw new InputError({
        expected: `the ${sampler.count} images that the checkpoint was trained on`,
        found: `${files.length}`,
        remedy: 'restore the dataset, or start a new run',
      });
    }
    this.options = options;
    this.sampler = Sampler.fromState(sampler.state());
    this.delivered = sampler.state();
    this.cache = new ImageCache(cacheBytes ?? 0);
    this.badFilesLimit = Math.max(BAD_FILES_ALWAYS_ALLOWED, Math.floor(files.length * BAD_SHARE));
  }

  /** The sampler's state after the batches that `next` delivered: what comes next in a loader that starts there. */
  state(): SamplerState {
    return this.delivered;
  }

  /**
   * The next batch. Calls may overlap; they are answered in turn.
   * @throws RunError where more than 1 % of the files (and more than 3), or all of them, cannot be decoded; it names some.
   */
  next(): Promise<LoadedBatch> {
    const result = this.lastCall.then(() => this.deliver());
    this.lastCall = result.catch(() => undefined);
    return result;
  }

  /** Stops reading ahead, waits for the pictures that are being decoded, and forgets the cache. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.queue.map(({ slots }) => slots));
    await Promise.all(this.decoding.values());
    this.queue.length = 0;
    this.cache.clear();
  }

  private async deliver(): Promise<LoadedBatch> {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) throw new RunError('The image loader is closed; make another one.');
    const ahead = this.options.prefetch ?? 2;
    while (this.queue.length < 1 + ahead) this.enqueue();
    const pending = this.queue.shift()!;
    const slots = await pending.slots;
    if (this.isClosed) throw new RunError('The image loader is closed; make another one.');
    for (const { failed } of slots) this.report(failed);
    this.checkFailures(slots);
    this.delivered = pending.stateAfter;
    return this.assemble(slots);
  }

  private enqueue(): void {
    const indices = this.sampler.next(this.options.batch);
    const slots = Promise.all(Array.from(indices, (index) => this.fill(index)));
    this.queue.push({ slots, stateAfter: this.sampler.state() });
  }

  private report(failed: Slot['failed']): void {
    for (const { index, error } of failed) {
      if (this.reported.has(index)) continue;
      this.reported.add(index);
      this.options.onBadFile?.(this.options.files[index]!, error);
    }
  }

  private checkFailures(slots: readonly Slot[]): void {
    const bad = this.reported.size;
    if (bad <= this.badFilesLimit && slots.every(({ picture }) => picture !== undefined)) return;
    const { files } = this.options;
    const named = [...this.reported]
      .slice(0, NAMED_IN_ERROR)
      .map((index) => `${files[index]} (${messageOf(this.errors.get(index))})`);
    const rest = bad > NAMED_IN_ERROR ? ` and ${bad - NAMED_IN_ERROR} more` : '';
    this.failure = new RunError(
      `Cannot decode ${bad} of the ${files.length} images: ${named.join(', ')}${rest}. ` +
        'Replace or remove them, then run again.',
    );
    throw this.failure;
  }

  private assemble(slots: readonly Slot[]): LoadedBatch {
    const { size, files } = this.options;
    const pictureBytes = size * size * 3;
    const images = new Uint8Array(slots.length * pictureBytes); // [batch, size, size, 3]
    const used: string[] = [];
    for (const [i, { picture }] of slots.entries()) {
      images.set(picture!.data, i * pictureBytes);
      used.push(files[picture!.index]!);
    }
    return { images, files: used };
  }

  /** The picture of `index` or, where it fails, of the next good file in the list. */
  private async fill(index: number): Promise<Slot> {
    const { files } = this.options;
    const failed: Slot['failed'] = [];
    // One more than may fail is enough to know, and keeps a broken disk from being read to its end.
    const attempts = Math.min(files.length, this.badFilesLimit + 1);
    for (let i = 0; i < attempts; i++) {
      const candidate = (index + i) % files.length;
      const decoded = await this.decode(candidate);
      if ('data' in decoded) return { picture: { index: candidate, data: decoded.data }, failed };
      failed.push({ index: candidate, error: decoded.error });
    }
    return { failed };
  }

  /** One decoding at a time for an index, from the cache where it is there; never rejects. */
  private decode(index: number): Promise<Decoded> {
    const data = this.cache.get(index);
    if (data !== undefined) return Promise.resolve({ data });
    if (this.errors.has(index)) return Promise.resolve({ error: this.errors.get(index) });
    let running = this.decoding.get(index);
    if (running === undefined) {
      running = this.decodeFile(index).finally(() => this.decoding.delete(index));
      this.decoding.set(index, running);
    }
    return running;
  }

  private async decodeFile(index: number): Promise<Decoded> {
    const { files, size, fit, decode = decodeImage } = this.options;
    try {
      if (this.isClosed) throw new RunError('The image loader is closed.');
      const image = await decode(files[index]!, { size, ...(fit === undefined ? {} : { fit }) });
      if (image.width !== size || image.height !== size) {
        throw new RangeError(`a picture of ${image.width}x${image.height} px instead of ${size}x${size}`);
      }
      this.cache.set(index, image.data);
      return { data: image.data };
    } catch (error) {
      this.errors.set(index, error);
      return { error };
    }
  }
}
