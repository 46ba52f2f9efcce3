// Loads batches of images in the order of a sampler, decoding ahead.
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError, messageOf, RunError, systemCode } from '../base/errors.js';
import { fsPath, shownPath } from '../base/file-names.js';
import { type DecodedImage, type DecodeOptions, decodeImage, type Fit } from './decode.js';
import { ImageCache } from './image-cache.js';
import { type BatchShare, Sampler, type SamplerState } from './sampler.js';

/** Share of the files that may fail. */
const MAX_BAD_SHARE = 0.01;
/** So many files of a small set may fail, whatever their share. */
const MIN_BAD_FILES_ALLOWED = 3;
const NAMED_IN_ERROR = 5;
/**
 * Reading and decoding a file takes several turns of the event loop, but an eager step, which blocks the loop, leaves one or
 * two. That many batches must be in progress so that training never waits.
 */
const MAX_AHEAD = 8;
const MIN_AHEAD = 2;
/** Memory limit for decoding more than `MIN_AHEAD` batches ahead. */
const AHEAD_BYTES = 64 * 2 ** 20;

export interface LoadedBatch {
  /** [batch, size, size, 3], 8-bit sRGB. */
  images: Uint8Array<ArrayBuffer>;
  /** The file of each image of the batch. */
  files: string[];
}

export interface ImageLoaderOptions {
  files: readonly string[];
  /** Side of the images, px. */
  size: number;
  fit?: Fit;
  /** Start of the order; the loader continues with a copy. Its count equals the number of `files`. */
  sampler: Sampler;
  batch: number;
  /** The rank whose share of the batches is loaded; all of them by default. */
  share?: BatchShare;
  /** Bytes of decoded images to cache (the least recently used are dropped first); 0 by default. */
  cacheBytes?: number;
  /** Number of batches decoded ahead; by default 8, or fewer (at least 2) if those exceed 64 MiB. */
  prefetch?: number;
  /** Called once for every file that cannot be decoded, when the first batch without it is delivered. */
  onBadFile?: (file: string, error: unknown) => void;
  /** Replaces `decodeImage` for images that are not files; their folder is not checked. */
  decode?: (file: string, options: DecodeOptions) => Promise<DecodedImage>;
}

type Decoded = { data: Uint8Array } | { error: unknown };

/** One slot of a batch: its image (none if too many failed), and the files that failed before. */
interface Slot {
  image?: { index: number; data: Uint8Array };
  failed: Array<{ index: number; error: unknown }>;
}

interface PendingBatch {
  slots: Promise<Slot[]>;
  stateAfter: SamplerState;
}

/**
 * Loads batches of images in the order of a sampler, decoding on sharp's threads while the caller processes earlier batches.
 *
 * Batches depend on files, seed and position alone, never on timing. A file that cannot be decoded is replaced by the next
 * good file of the list (cyclically), which needs neither random numbers nor a memory of failures.
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

  /** @throws InputError if the sampler was made for another number of files. */
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
    this.badFilesLimit = Math.max(MIN_BAD_FILES_ALLOWED, Math.floor(files.length * MAX_BAD_SHARE));
    const affordable = Math.floor(AHEAD_BYTES / (batch * size * size * 3));
    this.ahead = prefetch ?? Math.min(MAX_AHEAD, Math.max(MIN_AHEAD, affordable));
  }

  /** Returns the sampler's state after the delivered batches; a loader that starts there continues with the next one. */
  state(): SamplerState {
    return this.delivered;
  }

  /**
   * Returns the next batch. Calls may overlap; they are answered in order.
   *
   * @throws RunError naming some of the files if more than 1 % of them (and more than 3), or all, cannot be decoded; and naming
   *   the folder instead if that is gone.
   */
  async next(): Promise<LoadedBatch> {
    return this.assemble(await this.nextSlots());
  }

  /** Advances like `next`, for a caller that has the images from `peek`. @throws RunError as `next`. */
  async skip(): Promise<void> {
    await this.nextSlots();
  }

  /**
   * Returns the images of a batch that is not delivered yet, as `next` will return them. It reports nothing and changes no state.
   * Do not call it while `next` or `skip` is in progress, which shift the batches.
   *
   * @param index 0 for the batch that comes next.
   * @returns undefined if the loader is closed or an image is missing; `next` then throws the reason.
   */
  async peek(index: number): Promise<LoadedBatch['images'] | undefined> {
    if (this.failure !== undefined || this.isClosed) return undefined;
    while (this.queue.length <= index) this.enqueue();
    const slots = await this.queue[index]!.slots;
    if (this.isClosed || slots.some(({ image }) => image === undefined)) return undefined;
    return this.assemble(slots).images;
  }

  /** Stops decoding ahead, waits for the images in progress, and clears the cache. */
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
    const indices = this.sampler.next(this.options.batch, this.options.share);
    const slots = Promise.all(Array.from(indices, (index) => this.fill(index)));
    this.queue.push({ slots, stateAfter: this.sampler.state() });
  }

  /** A dataset that was moved, or whose disk was unplugged, is reported as one failure, not thousands. */
  private async checkFolder(slots: readonly Slot[]): Promise<void> {
    const hasNew = slots.some(({ failed }) => failed.some(({ index }) => !this.reported.has(index)));
    if (!hasNew || this.options.decode !== undefined) return;
    const gone = await missingFolder(commonFolder(this.options.files));
    if (gone === undefined) return;
    this.failure = new RunError(
      `The dataset is gone: there is no folder ${gone} any more. Put it back, then continue with --resume.`,
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
      .map((index) => `${shownPath(files[index]!)} (${messageOf(this.errors.get(index))})`);
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

  /** Decodes the image of `index` or, if it fails, of the next good file in the list. */
  private async fill(index: number): Promise<Slot> {
    const { files } = this.options;
    const failed: Slot['failed'] = [];
    // One more than may fail proves the failure, without reading all of a broken disk.
    const attempts = Math.min(files.length, this.badFilesLimit + 1);
    for (let i = 0; i < attempts; i++) {
      const candidate = (index + i) % files.length;
      const decoded = await this.decode(candidate);
      if ('data' in decoded) return { image: { index: candidate, data: decoded.data }, failed };
      failed.push({ index: candidate, error: decoded.error });
    }
    return { failed };
  }

  /** Decodes each index once at a time, or takes it from the cache; never rejects. */
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

/** Returns the deepest folder that contains all files. */
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

/** Returns the folder, or the highest one above it, that does not exist; undefined if the folder exists. */
async function missingFolder(folder: string): Promise<string | undefined> {
  let missing: string | undefined;
  for (let at = folder; ; at = dirname(at)) {
    const code = await stat(fsPath(at)).then(
      () => undefined,
      (error: unknown) => systemCode(error),
    );
    if (code !== 'ENOENT') return missing;
    missing = at;
    if (at === dirname(at)) return missing;
  }
}
