// Radially averaged power spectra of images: what networks get wrong in fine detail, and pixel distances do not show.

import { fromFloat } from './decoded-image.js';
import type { FloatImage } from './diversity.js';
import { filterTable, resample, TRIANGLE } from './resample.js';

/**
 * Variance of rounding to 8 bits, in [-1, 1]. It is added to every power, so that logarithms exist and noise below it does
 * not count.
 */
const ROUNDING_VARIANCE = (2 / 255) ** 2 / 12;

/** The side of the square at which the spectra of images are taken: the largest power of two that fits into the image, px. */
export function spectrumSide({ width, height }: Pick<FloatImage, 'width' | 'height'>): number {
  return 2 ** Math.floor(Math.log2(Math.min(width, height)));
}

/**
 * The radially averaged power spectrum of an image's lightness (the mean of its channels in [-1, 1], less its mean over the
 * image, times a Hann window, so that the borders make no frequencies of their own), in decibels.
 *
 * @param side a power of two, px; images of another size are resized to a square of it first.
 * @returns `side / 2` numbers: number k is 10 log10 of the mean power over frequencies of k + 0.5 to k + 1.5 cycles per image. Diagonal
 *   frequencies above side / 2 do not count.
 */
export function radialSpectrum(image: FloatImage, side = spectrumSide(image)): Float64Array {
  const real = windowedLightness(image, side);
  const imaginary = new Float64Array(side * side);
  for (let i = 0; i < side; i++) transform(real, imaginary, i * side, 1, side);
  for (let i = 0; i < side; i++) transform(real, imaginary, i, side, side);
  const rings = side / 2;
  const sums = new Float64Array(rings);
  const counts = new Float64Array(rings);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      const frequency = Math.hypot(signed(row, side), signed(column, side));
      const ring = Math.round(frequency) - 1;
      if (ring < 0 || ring >= rings) continue;
      const i = row * side + column;
      sums[ring]! += real[i]! ** 2 + imaginary[i]! ** 2;
      counts[ring]!++;
    }
  // The mean of the squared window is (3/8)^2.
  const noise = ROUNDING_VARIANCE * side ** 2 * (3 / 8) ** 2;
  return sums.map((sum, ring) => 10 * Math.log10(sum / counts[ring]! + noise));
}

/** The spectrum of a set: the mean of its images' spectra. */
export function meanSpectrum(images: readonly FloatImage[], side: number): Float64Array {
  if (images.length === 0) throw new RangeError('a spectrum needs at least one image');
  const sum = new Float64Array(side / 2);
  for (const image of images)
    for (const [ring, value] of radialSpectrum(image, side).entries()) sum[ring]! += value / images.length;
  return sum;
}

/**
 * Distance of two spectra: the root mean square of their difference over all frequencies, in decibels (after the spectral
 * profiles of Durall et al. 2020, "Watch your Up-Convolution").
 */
export function spectrumDistance(one: Float64Array, other: Float64Array): number {
  if (one.length !== other.length)
    throw new RangeError(`spectra of ${one.length} and ${other.length} frequencies cannot be compared`);
  return Math.sqrt(one.reduce((sum, value, ring) => sum + (value - other[ring]!) ** 2, 0) / one.length);
}

function windowedLightness(image: FloatImage, side: number): Float64Array {
  const { width, height } = image;
  const data = width === side && height === side ? image.data : resized(image, side);
  const lightness = new Float64Array(side * side);
  let mean = 0;
  for (let i = 0; i < lightness.length; i++) {
    lightness[i] = (data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) / 3;
    mean += lightness[i]! / lightness.length;
  }
  const hann = Float64Array.from({ length: side }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2);
  return lightness.map((value, i) => (value - mean) * hann[Math.floor(i / side)]! * hann[i % side]!);
}

function resized({ data, width, height }: FloatImage, side: number): Float32Array {
  const tables = [filterTable(TRIANGLE, width, side), filterTable(TRIANGLE, height, side)] as const;
  return resample(fromFloat(data, width, height), ...tables).map((value) => value / 127.5 - 1);
}

/** The frequency of a row or column of a transform: from -side / 2 to side / 2. */
const signed = (index: number, side: number): number => (index > side / 2 ? index - side : index);

/** Fourier transform in place of `length` complex numbers (a power of two) that start at `from` and lie `step` apart. */
function transform(
  real: Float64Array,
  imaginary: Float64Array,
  from: number,
  step: number,
  length: number,
): void {
  // Cooley and Tukey's: bit-reversed order first, then butterflies of growing length.
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    const [a, b] = [from + i * step, from + j * step];
    [real[a], real[b]] = [real[b]!, real[a]!];
    [imaginary[a], imaginary[b]] = [imaginary[b]!, imaginary[a]!];
  }
  for (let half = 1; half < length; half *= 2)
    for (let k = 0; k < half; k++) {
      const angle = (-Math.PI * k) / half;
      const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
      for (let start = k; start < length; start += 2 * half) {
        const [a, b] = [from + start * step, from + (start + half) * step];
        const x = real[b]! * cosine - imaginary[b]! * sine;
        const y = real[b]! * sine + imaginary[b]! * cosine;
        real[b] = real[a]! - x;
        imaginary[b] = imaginary[a]! - y;
        real[a]! += x;
        imaginary[a]! += y;
      }
    }
}
