// What a run logs for TensorBoard: rows of metrics, samples, histograms of weights.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { StateVector, TranslatingWeights } from '../../../gan/state.js';
import type { Trainer } from '../../trainer.js';
import type { MetricsRow } from '../metrics-log.js';
import { EventFile, type EventFileOptions } from './event-file.js';
import { HistogramBuilder } from './histogram.js';

/** Larger grids are scaled down to this side, px, to limit the log's size; `samples/` has the full grids. */
const MAX_SIDE = 1024;

/** Tags of sample grids with EMA and raw weights. */
const SAMPLE_TAGS: Readonly<Record<TranslatingWeights, string>> = {
  ema: 'samples/averages',
  raw: 'samples/weights',
};

/** The TensorBoard log of a run. All writers throw RunError if the file cannot be written. */
export class TensorboardLog {
  private constructor(private readonly file: EventFile) {}

  /** Starts a new file in `dir`; the options are those of `EventFile.open`. */
  static async open(dir: string, options: EventFileOptions = {}): Promise<TensorboardLog> {
    return new TensorboardLog(await EventFile.open(dir, options));
  }

  /** Writes a row of metrics as scalars. */
  async row(row: MetricsRow): Promise<void> {
    await this.file.scalars(row.step, rowScalars(row));
  }

  /** Writes a sample grid (a PNG file) as the image `samples/averages` (EMA) or `samples/weights` (raw). */
  async samples(step: number, path: string, weights: TranslatingWeights): Promise<void> {
    const tag = SAMPLE_TAGS[weights];
    const png = await readFile(path);
    const { width, height } = await sharp(png).metadata();
    if (Math.max(width, height) <= MAX_SIDE) return this.file.image(step, tag, png, { width, height });
    const { data, info } = await sharp(png)
      .resize(MAX_SIDE, MAX_SIDE, { fit: 'inside' })
      .png({ compressionLevel: 6, adaptiveFiltering: true })
      .toBuffer({ resolveWithObject: true });
    await this.file.image(step, tag, data, info);
  }

  /**
   * Writes a few histograms of weights for each network: EMA weights of generators, raw weights of discriminators. Reads
   * them twice, in small parts.
   */
  async weights(step: number, trainer: Pick<Trainer, 'read'>): Promise<void> {
    const shown = ({ side, part }: StateVector): boolean =>
      part === (side === 'generators' ? 'ema' : 'values');
    const histograms = new Map<string, HistogramBuilder>();
    for (const { network, path, data } of trainer.read(shown)) {
      const tag = weightTag(network, path);
      const histogram = histograms.get(tag) ?? new HistogramBuilder();
      histograms.set(tag, histogram);
      histogram.measure(data);
    }
    for (const { network, path, data } of trainer.read(shown))
      histograms.get(weightTag(network, path))!.count(data);
    for (const [tag, histogram] of histograms) await this.file.histogram(step, tag, histogram.finish());
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

/**
 * The numbers of a row by tag: loss terms under their names, the row's other numbers under theirs with hyphens
 * (`learningRate` is learning-rate). Step and time are axes, not scalars.
 */
export function rowScalars({ step: _, seconds: __, terms, ...rest }: MetricsRow): Record<string, number> {
  const scalars: Record<string, number> = { ...terms };
  for (const [name, value] of Object.entries(rest))
    if (typeof value === 'number')
      scalars[name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)] = value;
  return scalars;
}

/** The histogram that a parameter belongs to: `weights/G_A2B/encoder`. */
function weightTag(network: string, path: string): string {
  return `weights/${network}/${partOf(network, path)}`;
}

/** Generators: encoder, mapping, decoder. Image discriminators: the branches. Others: the start of the path. */
function partOf(network: string, path: string): string {
  const [start = path] = path.split('.');
  if (start.startsWith('g_')) return 'global';
  if (start.startsWith('l_')) return 'local';
  if (network.startsWith('G_') && start !== 'encoder' && start !== 'mapping') return 'decoder';
  return start;
}
