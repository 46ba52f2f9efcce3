import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, messageOf, RunError, systemCode } from '../base/errors.js';
import { type DecodedImage, type DecodeOptions, decodeImage, type Fit } from './decode.js';
import { ImageCache } from './image-cache.js';
import { Sampler, type SamplerState } from './sampler.js';

/** The part of the different files in the list that may fail. */
const BAD_SHARE = 0.01;
/** A small set may lose this many files before their share counts. */
const BAD_FILES_ALWAYS_ALLOWED = 3;
const NAMED_IN_ERROR = 5;
/**
 * Reading and decoding a file takes several turns of the event loop, and a step taken kernel by kernel, which blocks it, leaves
 * one or two: that many batches have to be under way for none to be waited for.
 */
const MAX_AHEAD = 8;
const MIN_AHEAD = 2;
/** What is decoded ahead may take this much memory where `MIN_AHEAD` is exceeded. */
const AHEAD_BYTES = 64 * 2 ** 20;

export interface LoadedBatch {
  /** [batch, size, size, 3], 8-bit sRGB. */
  images: Uint8Array<ArrayBuffer>;
  /** Where each image of the batch came from. */
  files: string[];
}

export interface ImageLoaderOptions {
  files: readonly string[];
  /** Side of the images in px. */
  size: number;
  fit?: Fit;
  /** Where to begin; the loader goes on with a copy. Its count is that of `files`. */
  sampler: Sampler;
  batch: number;
  /** How many bytes of decoded images are kept (least recently used go first); 0 where it is left out. */
  cacheBytes?: number;
  /** Batches decoded ahead, 0 for none; where it is left out 8, or fewer (not below 2) if those take over 64 MiB. */
  prefetch?: number;
  /** Told once of every file that could not be decoded, when the first batch that it is missing from is delivered. */
  onBadFile?: (file: string, error: unknown) => void;
  /** In place of `decodeImage`, for images that are not files: no folder is looked for. */
  decode?: (file: string, options: DecodeOptions) => Promise<DecodedImage>;
}

type Decoded = { data: Uint8Array } | { error: unknown };

/** One place of a batch: the image that fills it (none if too many failed), and the files that failed before it. */
interface Slot {
  image?: { index: number; data: Uint8Array };
  failed: Array<{ index: number; error: unknown }>;
}

interface PendingBatch {
  slots: Promise<Slot[]>;
  stateAfter: SamplerState;
}

/**
 * Batches of images in the order of a sampler, decoded on sharp's threads while the caller works on the batch before.
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
  private readonly ahead: number;
  private delivered: SamplerState;
  private lastCall: Promise<unknown> = Promise.resolve();
  private failure: RunError | undefined;
  private isClosed = false;

  /** @throws InputError where the sampler was made for another number of files. */
  constructor(options: ImageLoaderOptions) {
    const { files, sampler, cacheBytes, batch, size, prefetch } = options;
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
    const affordable = Math.floor(AHEAD_BYTES / (batch * size * size * 3));
    this.ahead = prefetch ?? Math.min(MAX_AHEAD, Math.max(MIN_AHEAD, affordable));
  }

  /** The sampler's state after the batches that `next` delivered: what comes next in a loader that starts there. */
  state(): SamplerState {
    return this.delivered;
  }

  /**
   * The next batch. Calls may overlap; they are answered in turn.
   * @throws RunError where more than 1 % of the different files in the list (and more than 3), or all of them, cannot be
   *   decoded, of which it names some; and where their folder is gone, in place of a word about each file.
   */
  async next(): Promise<LoadedBatch> {
    return this.assemble(await this.nextSlots());
  }

  /** As `next`, for a caller that has the images from `peek`. @throws RunError as `next`. */
  async skip(): Promise<void> {
    await this.nextSlots();
  }

  /**
   * The images of a batch that is still to be delivered, as `next` will give them: 0 for the one that comes next. Nothing is
   * reported, and no state moves. Not while a call of `next` or `skip` is under way, which moves the batches up.
   *
   * @returns undefined where the loader is closed or an image is missing: `next` then tells why.
   */
  async peek(index: number): Promise<LoadedBatch['images'] | undefined> {
    if (this.failure !== undefined || this.isClosed) return undefined;
    while (this.queue.length <= index) this.enqueue();
    const slots = await this.queue[index]!.slots;
    if (this.isClosed || slots.some(({ image }) => image === undefined)) return undefined;
    return this.assemble(slots).images;
  }

  /** Stops reading ahead, waits for the images that are being decoded, and forgets the cache. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all(this.queue.map(({ slots }) => slots));
    await Promise.all(this.decoding.values());
    this.queue.length = 0;
    this.cache.clear();
  }

  private nextSlots(): Promise<Slot[]> {
    const result = this.lastCall.then(() => this.deliver());
    this.lastCall = result.catch(() => undefined);
    return result;
  }

  private async deliver(): Promise<Slot[]> {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosed) throw new RunError('The image loader is closed; make another one.');
    while (this.queue.length < 1 + this.ahead) this.enqueue();
    const pending = this.queue.shift()!;
    const slots = await pending.slots;
    if (this.isClosed) throw new RunError('The image loader is closed; make another one.');
    await this.checkFolder(slots);
    for (const { failed } of slots) this.report(failed);
    this.checkFailures(slots);
    this.delivered = pending.stateAfter;
    return slots;
  }

  private enqueue(): void {
    const indices = this.sampler.next(this.options.batch);
    const slots = Promise.all(Array.from(indices, (index) => this.fill(index)));
    this.queue.push({ slots, stateAfter: this.sampler.state() });
  }

  /** A dataset that was moved away or whose disk is unplugged is one failure, not thousands. */
  private async checkFolder(slots: readonly Slot[]): Promise<void> {
    const hasNew = slots.some(({ failed }) => failed.some(({ index }) => !this.reported.has(index)));
    if (!hasNew || this.options.decode !== undefined) return;
    const gone = await missingFolder(commonFolder(this.options.files));
    if (gone === undefined) return;
    this.failure = new RunError(
      `The dataset is gone: there is no folder ${gone} any more. Put it back, then go on with --resume.`,
    );
    throw this.failure;
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
    if (bad <= this.badFilesLimit && slots.every(({ image }) => image !== undefined)) return;
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
    const imageBytes = size * size * 3;
    const images = new Uint8Array(slots.length * imageBytes); // [batch, size, size, 3]
    const used: string[] = [];
    for (const [i, { image }] of slots.entries()) {
      images.set(image!.data, i * imageBytes);
      used.push(files[image!.index]!);
    }
    return { images, files: used };
  }

  /** The image of `index` or, where it fails, of the next good file in the list. */
  private async fill(index: number): Promise<Slot> {
    const { files } = this.options;
    const failed: Slot['failed'] = [];
    // One more than may fail is enough to know, and keeps a broken disk from being read to its end.
    const attempts = Math.min(files.length, this.badFilesLimit + 1);
    for (let i = 0; i < attempts; i++) {
      const candidate = (index + i) % files.length;
      const decoded = await this.decode(candidate);
      if ('data' in decoded) return { image: { index: candidate, data: decoded.data }, failed };
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
        throw new RangeError(`an image of ${image.width}x${image.height} px instead of ${size}x${size}`);
      }
      this.cache.set(index, image.data);
      return { data: image.data };
    } catch (error) {
      this.errors.set(index, error);
      return { error };
    }
  }
}

/** The nearest folder that all files are in. */
function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0]!);
  for (const file of files) {
    while (!isBelow(file, folder)) {
      const parent = dirname(folder);
      if (parent === folder) break;
      folder = parent;
    }
  }
  return folder;
}

function isBelow(file: string, folder: string): boolean {
  return file.startsWith(folder) && /[\\/]/.test(file.charAt(folder.length));
}

/** The folder, or the highest one above it, that is not there; undefined where it is. */
async function missingFolder(folder: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let at = folder; ; at = dirname(at)) {
    const code = await stat(at).then(
      () => undefined,
      (error: unknown) => systemCode(error),
    );
    if (code !== 'ENOENT') return missing;
    missing = at;
    if (at === dirname(at)) return missing;
  }
}
