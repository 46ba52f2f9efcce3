import { Spectrum } from './fft.js';

/** Samples a second that onsets are looked for in. */
export const ONSET_SAMPLE_RATE = 22_050;
const WINDOW_SAMPLES = 1024;
const HOP_SAMPLES = 256;
/** Onset strengths a second. */
export const ONSETS_PER_SECOND = ONSET_SAMPLE_RATE / HOP_SAMPLES;
/** Seconds from the file's start to the middle of the first window. */
export const FIRST_ONSET_SECONDS = WINDOW_SAMPLES / 2 / ONSET_SAMPLE_RATE;
/** How strongly small magnitudes count beside large ones: log(1 + gain * magnitude). */
const COMPRESSION = 100;

/**
 * Onset strength by spectral flux (Bello et al., "A tutorial on onset detection in music signals", 2005): how much the
 * compressed magnitudes of all frequencies rise from one window to the next. Takes samples as they come and keeps one
 * number for each 12 ms.
 */
export class OnsetMeter {
  private readonly spectrum = new Spectrum(WINDOW_SAMPLES);
  private readonly power = new Float64Array(WINDOW_SAMPLES / 2 + 1);
  private readonly last = new Float64Array(WINDOW_SAMPLES / 2 + 1);
  private readonly samples = new Float32Array(WINDOW_SAMPLES);
  private filled = 0;
  private readonly flux: number[] = [];

  /** Takes the next samples of one channel, in [-1, 1], at ONSET_SAMPLE_RATE. */
  add(samples: Float32Array): void {
    for (let from = 0; from < samples.length; ) {
      const taken = samples.subarray(from, from + WINDOW_SAMPLES - this.filled);
      this.samples.set(taken, this.filled);
      this.filled += taken.length;
      from += taken.length;
      if (this.filled < WINDOW_SAMPLES) return;
      this.measure();
      this.samples.copyWithin(0, HOP_SAMPLES);
      this.filled -= HOP_SAMPLES;
    }
  }

  /** Strengths so far, 0 or more, ONSETS_PER_SECOND of them a second. */
  strengths(): Float32Array {
    return Float32Array.from(this.flux);
  }

  private measure(): void {
    const { power, last } = this;
    this.spectrum.power(this.samples, power);
    let flux = 0;
    for (let k = 0; k < power.length; k++) {
      const magnitude = (Math.sqrt(power[k]!) * 2) / WINDOW_SAMPLES;
      const compressed = Math.log1p(COMPRESSION * (Number.isFinite(magnitude) ? magnitude : 0));
      flux += Math.max(0, compressed - last[k]!);
      last[k] = compressed;
    }
    // The first window has no window before it.
    this.flux.push(this.flux.length === 0 ? 0 : flux / power.length);
  }
}
