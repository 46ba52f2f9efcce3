/**
 * Power spectra of real signals by the fast Fourier transform (Cooley and Tukey, radix 2, in place), behind a Hann
 * window.
 */
export class Spectrum {
  /** Samples of one window; a power of two. */
  readonly length: number;
  private readonly window: Float64Array;
  private readonly cosines: Float64Array;
  private readonly sines: Float64Array;
  private readonly real: Float64Array;
  private readonly imaginary: Float64Array;

  /** @throws RangeError where `length` is no power of two from 4 on. */
  constructor(length: number) {
    if (!(length >= 4) || (length & (length - 1)) !== 0)
      throw new RangeError(`expected a window of a power of two samples, not ${length}`);
    this.length = length;
    this.real = new Float64Array(length);
    this.imaginary = new Float64Array(length);
    const angles = Array.from({ length }, (_, i) => (2 * Math.PI * i) / length);
    this.window = Float64Array.from(angles, (angle) => 0.5 - 0.5 * Math.cos(angle));
    this.cosines = Float64Array.from(angles, Math.cos);
    this.sines = Float64Array.from(angles, Math.sin);
  }

  /**
   * Squared magnitudes of the frequencies from 0 to half of the sampling rate.
   * @param samples `length` numbers. @param out takes `length / 2 + 1` numbers.
   */
  power(samples: ArrayLike<number>, out: Float64Array): void {
    const { length, real, imaginary } = this;
    this.scatter(samples);
    for (let span = 2; span <= length; span *= 2) {
      const half = span / 2;
      const stride = length / span;
      for (let start = 0; start < length; start += span) {
        for (let k = 0; k < half; k++) {
          const [even, odd] = [start + k, start + k + half];
          const [cosine, sine] = [this.cosines[k * stride]!, this.sines[k * stride]!];
          const turnedReal = real[odd]! * cosine + imaginary[odd]! * sine;
          const turnedImaginary = imaginary[odd]! * cosine - real[odd]! * sine;
          real[odd] = real[even]! - turnedReal;
          imaginary[odd] = imaginary[even]! - turnedImaginary;
          real[even]! += turnedReal;
          imaginary[even]! += turnedImaginary;
        }
      }
    }
    for (let k = 0; k <= length / 2; k++) out[k] = real[k]! ** 2 + imaginary[k]! ** 2;
  }

  /** The windowed samples in bit-reversed order, which the butterflies put right. */
  private scatter(samples: ArrayLike<number>): void {
    const { length, real, imaginary, window } = this;
    for (let i = 0, reversed = 0; i < length; i++) {
      real[reversed] = samples[i]! * window[i]!;
      imaginary[reversed] = 0;
      let bit = length >> 1;
      for (; bit > 0 && (reversed & bit) !== 0; bit >>= 1) reversed ^= bit;
      reversed |= bit;
    }
  }
}
