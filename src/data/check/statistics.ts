// Gathers statistics about the images of a folder: sizes, formats, colours.
import { brightness, type Examined } from './examine.js';

export const HISTOGRAM_BINS = 32;
const LEVELS = 256;

export interface Spread {
  min: number;
  median: number;
  max: number;
}

/** Statistics about the readable images of a folder. */
export interface FolderStatistics {
  /** Number of image files, readable or not. */
  files: number;
  readable: number;
  /** Number of files of every other extension, which training ignores. */
  otherFiles: Record<string, number>;
  /** Upright sizes, px. This and all that follows is absent if no image is readable. */
  width?: Spread;
  height?: Spread;
  /** File sizes and their sum, bytes. */
  bytes?: Spread & { total: number };
  /** Number of files of each format. */
  formats: Record<string, number>;
  /** Mean and deviation of all pixels by channel (red, green, blue), 8-bit levels. */
  colour?: { mean: number[]; deviation: number[] };
  /** Share of the pixels in each of 32 equal bins from 0 to 1, which add up to 1. */
  brightness?: number[];
  saturation?: number[];
}

/** Gathers statistics about a folder, one image at a time. Colours are those of the images reduced to 64 px. */
export class StatisticsCollector {
  private readonly widths: number[] = [];
  private readonly heights: number[] = [];
  private readonly sizes: number[] = [];
  private readonly formats = new Map<string, number>();
  private readonly sums = new Float64Array(3);
  private readonly squares = new Float64Array(3);
  private readonly brightness = new Float64Array(HISTOGRAM_BINS);
  private readonly saturation = new Float64Array(HISTOGRAM_BINS);
  private pixels = 0;

  add({ width, height, bytes, format, pixels }: Examined): void {
    this.widths.push(width);
    this.heights.push(height);
    this.sizes.push(bytes);
    this.formats.set(format, (this.formats.get(format) ?? 0) + 1);
    for (let i = 0; i < pixels.length; i += 3) {
      const [r, g, b] = [pixels[i]!, pixels[i + 1]!, pixels[i + 2]!];
      for (let c = 0; c < 3; c++) {
        const level = pixels[i + c]!;
        this.sums[c]! += level;
        this.squares[c]! += level * level;
      }
      const max = Math.max(r, g, b);
      const saturation = max === 0 ? 0 : (max - Math.min(r, g, b)) / max;
      this.brightness[binOf(brightness(r, g, b) / LEVELS)]!++;
      this.saturation[binOf(saturation)]!++;
    }
    this.pixels += pixels.length / 3;
  }

  result(files: number, otherFiles: Record<string, number>): FolderStatistics {
    const { widths, heights, sizes, pixels, sums, squares } = this;
    const formats = Object.fromEntries([...this.formats].sort((a, b) => b[1] - a[1]));
    const common = { files, readable: widths.length, otherFiles, formats };
    if (widths.length === 0) return common;
    const mean = Array.from(sums, (sum) => sum / pixels);
    // Rounding may leave a variance just below 0.
    const deviation = mean.map((value, c) => Math.sqrt(Math.max(0, squares[c]! / pixels - value * value)));
    return {
      ...common,
      width: spread(widths),
      height: spread(heights),
      bytes: { ...spread(sizes), total: sizes.reduce((sum, size) => sum + size, 0) },
      colour: { mean, deviation },
      brightness: Array.from(this.brightness, (count) => count / pixels),
      saturation: Array.from(this.saturation, (count) => count / pixels),
    };
  }
}

function binOf(value: number): number {
  return Math.min(HISTOGRAM_BINS - 1, Math.floor(value * HISTOGRAM_BINS));
}

/** Returns minimum, median and maximum; of an even number of values the median is the lower of the middle two. */
function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { min: sorted[0]!, median: sorted[Math.floor((sorted.length - 1) / 2)]!, max: sorted.at(-1)! };
}
