import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import type { FloatImage } from '../../src/data/diversity.js';
import { meanSpectrum, radialSpectrum, spectrumDistance, spectrumSide } from '../../src/data/spectrum.js';

function imageOf(side: number, value: (x: number, y: number) => number): FloatImage {
  const data = Float32Array.from({ length: 3 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 3);
    return value(pixel % side, Math.floor(pixel / side));
  });
  return { data, width: side, height: side };
}

/** The definition, term by term: a sum over all pixels for each frequency. */
function slowSpectrum({ data, width: side }: FloatImage): number[] {
  const lightness = Array.from(
    { length: side * side },
    (_, i) => (data[3 * i]! + data[3 * i + 1]! + data[3 * i + 2]!) / 3,
  );
  const mean = lightness.reduce((a, b) => a + b) / lightness.length;
  const hann = (i: number) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2;
  const rings = Array.from({ length: side / 2 }, () => [] as number[]);
  for (let v = 1 - side / 2; v <= side / 2; v++)
    for (let u = 1 - side / 2; u <= side / 2; u++) {
      let [real, imaginary] = [0, 0];
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const value = (lightness[y * side + x]! - mean) * hann(x) * hann(y);
          const angle = (-2 * Math.PI * (u * x + v * y)) / side;
          real += value * Math.cos(angle);
          imaginary += value * Math.sin(angle);
        }
      rings[Math.round(Math.hypot(u, v)) - 1]?.push(real ** 2 + imaginary ** 2);
    }
  const noise = ((2 / 255) ** 2 / 12) * side ** 2 * (9 / 64);
  return rings.map((powers) => 10 * Math.log10(powers.reduce((a, b) => a + b) / powers.length + noise));
}

const rng = new Rng(1, 'spectrum');
const noise = (amount: number, side = 32) => imageOf(side, () => amount * rng.normal());

describe('radialSpectrum', () => {
  it('is the mean power over rings of frequencies, as a sum over all pixels computes it', () => {
    const data = Float32Array.from({ length: 3 * 256 }, () => rng.uniform(-1, 1));
    const image = { data, width: 16, height: 16 };
    const slow = slowSpectrum(image);
    for (const [ring, value] of radialSpectrum(image).entries()) expect(value).toBeCloseTo(slow[ring]!, 6);
  });

  it('of stripes has its highest value at their frequency', () => {
    const stripes = imageOf(64, (x) => 0.5 * Math.cos((2 * Math.PI * 10 * x) / 64));
    const spectrum = radialSpectrum(stripes);
    expect(spectrum.indexOf(Math.max(...spectrum))).toBe(9);
  });

  it('of one colour is that of the rounding of 8 bits, whatever the colour', () => {
    const [dark, light] = [-0.5, 0.7].map((value) => radialSpectrum(imageOf(32, () => value)));
    for (const [ring, value] of dark!.entries()) expect(value).toBeCloseTo(light![ring]!, 4);
  });

  it('resizes images to the largest power of two that fits, or to a given side', () => {
    expect(spectrumSide({ width: 200, height: 130 })).toBe(128);
    expect(radialSpectrum(imageOf(40, (x) => x / 40)).length).toBe(16);
    expect(
      radialSpectrum(
        imageOf(40, (x) => x / 40),
        64,
      ).length,
    ).toBe(32);
  });
});

describe('spectrumDistance', () => {
  it('of a set and itself is 0', () => {
    const spectrum = meanSpectrum([noise(0.1), noise(0.2)], 32);
    expect(spectrumDistance(spectrum, spectrum)).toBe(0);
  });

  it('of noise and the same noise at half the contrast is 6 dB', () => {
    const strong = noise(0.3);
    const weak = { ...strong, data: strong.data.map((value) => value / 2) };
    const distance = spectrumDistance(meanSpectrum([strong], 32), meanSpectrum([weak], 32));
    expect(distance).toBeCloseTo(20 * Math.log10(2), 1);
  });

  it('refuses spectra of different sizes, and sets without images', () => {
    expect(() => spectrumDistance(new Float64Array(2), new Float64Array(3))).toThrow(RangeError);
    expect(() => meanSpectrum([], 32)).toThrow(RangeError);
  });
});
