import { describe, expect, it } from 'vitest';
import { type Augmentation, applyAugmentation, drawAugmentation } from '../../src/augment/augment.js';
import { invertAffine, warpAffine } from '../../src/augment/warp.js';
import { Rng } from '../../src/base/rng.js';
import { configSchema } from '../../src/config/schema.js';
import { hasSameBits, plainAugmentation } from '../support/plain-augment.js';
import {
  correlation,
  DEVIATION_LIMIT,
  deviationFrom,
  KOLMOGOROV_LIMIT,
  kolmogorov,
  tally,
  unevenness,
  uniformCdf,
} from '../support/statistics.js';

const { augment } = configSchema.parse({ losses: { lpips: { weight: 0 } } }).data;

describe('augmentation', () => {
  it('draws the same from the same seed and always uses the same number of random words', () => {
    const rng = new Rng(5);
    const drawn = [0, 1, 2, 3].map(() => {
      drawAugmentation(augment, 64, rng);
      return rng.state().drawn;
    });
    expect(drawn.map((n, i) => n - (drawn[i - 1] ?? 0))).toEqual(Array(4).fill(drawn[0]));
    expect(drawAugmentation(augment, 64, new Rng(9))).toEqual(drawAugmentation(augment, 64, new Rng(9)));
  });

  it('returns the image unchanged if everything is off, and mirrors it exactly', () => {
    const image = new Rng(2).normals(8 * 8 * 3);
    const out = new Float32Array(image.length);
    const off = { ...augment, probability: 0, resizeRatio: 1, flipProbability: 0 };
    applyAugmentation(image, 8, drawAugmentation(off, 8, new Rng(1)), out, 0);
    expect(out).toEqual(image);
    applyAugmentation(image, 8, drawAugmentation({ ...off, flipProbability: 1 }, 8, new Rng(1)), out, 0);
    expect([...out.slice(0, 3)]).toEqual([...image.slice(7 * 3, 8 * 3)]);
  });

  it.each([
    ['the default config', {}],
    ['small scales, so that most is border', { scale: [0.2, 0.4] as [number, number] }],
    ['large scales', { scale: [2, 3] as [number, number] }],
    ['large rotations and shifts', { rotationDegrees: 180, translation: 1, shearDegrees: 30 }],
    ['no crop', { resizeRatio: 1 }],
    ['a crop of a small part', { resizeRatio: 2.7 }],
    ['no rotation, shear or shift', { rotationDegrees: 0, shearDegrees: 0, translation: 0 }],
  ])('equals the plain definition bit for bit: %s', (_, changes) => {
    const rng = new Rng(11, 'bits');
    for (const border of ['zeros', 'edge'] as const)
      for (const size of [2, 3, 33, 64])
        for (let i = 0; i < 6; i++) {
          const image = Float32Array.from({ length: size * size * 3 }, (_, at) =>
            // Some zeros are negative, which shows if a sum begins with the wrong sign.
            at % 7 === 0 ? -0 : rng.uniform(-1, 1),
          );
          const drawn = drawAugmentation({ ...augment, ...changes, border, probability: 0.8 }, size, rng);
          const out = new Float32Array(image.length + 5);
          applyAugmentation(image, size, drawn, out, 5);
          expect(hasSameBits(out.slice(5), plainAugmentation(image, size, drawn))).toBe(true);
        }
  });

  it('equals the plain definition bit for bit for a warp without a crop', () => {
    const size = 33;
    const rng = new Rng(12, 'bits');
    const image = rng.normals(size * size * 3);
    const window = { resized: size, left: 0, top: 0, size, flip: false };
    for (const border of ['zeros', 'edge'] as const)
      for (let i = 0; i < 10; i++) {
        const { matrix } = drawAugmentation({ ...augment, probability: 1 }, size, rng);
        const plain = plainAugmentation(image, size, { matrix: matrix!, border, window });
        expect(hasSameBits(warpAffine(image, size, matrix!, border), plain)).toBe(true);
      }
  });

  it('fills the border with grey or repeats the edge', () => {
    const image = new Float32Array(8 * 8 * 3).fill(0.5);
    const shift = [1, 0, 3, 0, 1, 0] as const;
    const rowOf = (border: 'zeros' | 'edge') =>
      Array.from(warpAffine(image, 8, shift, border).subarray(0, 8 * 3)).filter((_, i) => i % 3 === 0);
    expect(rowOf('zeros')).toEqual([0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(rowOf('edge')).toEqual(Array(8).fill(0.5));
  });

  it('draws warps that can be inverted', () => {
    const rng = new Rng(3);
    for (let i = 0; i < 100; i++) {
      const { matrix } = drawAugmentation(augment, 64, rng);
      if (matrix !== undefined) expect(invertAffine(invertAffine(matrix))[2]).toBeCloseTo(matrix[2], 6);
    }
  });
});

describe('the distribution of augmentations', () => {
  const SIZE = 64;
  const DRAWS = 4000;
  const RESIZED = Math.round((SIZE * 286) / 256);
  const rng = new Rng(1, 'distribution');
  const draws = Array.from({ length: DRAWS }, () => drawAugmentation(augment, SIZE, rng));
  const warps = draws.flatMap((draw) => (draw.matrix ? [parametersOf(draw.matrix)] : []));

  /** The parameters behind a warp's matrix: shear along x, then scale and rotation about the centre, then shift. */
  function parametersOf([a, b, c, d, e, f]: NonNullable<Augmentation['matrix']>) {
    const degrees = 180 / Math.PI;
    const scale = Math.hypot(a, d);
    const centre = (SIZE - 1) / 2;
    return {
      rotationDegrees: Math.atan2(d, a) * degrees,
      scale,
      shearDegrees: Math.atan(-(a * b + d * e) / scale ** 2) * degrees,
      shiftX: a * centre + b * centre + c - centre,
      shiftY: d * centre + e * centre + f - centre,
      area: a * e - b * d,
    };
  }
  const listOf = (name: keyof (typeof warps)[number]): number[] => warps.map((warp) => warp[name]);
  const windowsOf = (name: 'left' | 'top'): number[] => draws.map(({ window }) => window[name]);

  it('warps half of the time and mirrors half of the time, independently', () => {
    const warped = draws.map(({ matrix }) => matrix !== undefined);
    const mirrored = draws.map(({ window }) => window.flip);
    const both = draws.filter((_, i) => warped[i] && mirrored[i]).length;
    const countOf = (list: boolean[]): number => list.filter(Boolean).length;
    expect(deviationFrom(0.5, countOf(warped), DRAWS)).toBeLessThan(DEVIATION_LIMIT);
    expect(deviationFrom(0.5, countOf(mirrored), DRAWS)).toBeLessThan(DEVIATION_LIMIT);
    expect(deviationFrom(0.25, both, DRAWS)).toBeLessThan(DEVIATION_LIMIT);
  });

  it.each([
    ['rotationDegrees', -20, 20],
    ['scale', 0.8, 1.2],
    ['shearDegrees', -0.15, 0.15],
    ['shiftX', -6.4, 6.4],
    ['shiftY', -6.4, 6.4],
  ] as const)('has %s uniform from %d to %d', (name, low, high) => {
    const values = listOf(name);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(low - 1e-9);
    expect(Math.max(...values)).toBeLessThanOrEqual(high + 1e-9);
    expect(kolmogorov(values, uniformCdf(low, high))).toBeLessThan(KOLMOGOROV_LIMIT);
  });

  it('shears along x only', () => {
    for (const { scale, area } of warps) expect(area / scale ** 2).toBeCloseTo(1, 9);
  });

  it('crops at every position with the same probability', () => {
    const places = RESIZED - SIZE + 1;
    for (const name of ['left', 'top'] as const)
      expect(unevenness(tally(windowsOf(name), places)), name).toBeLessThan(DEVIATION_LIMIT);
    expect(new Set(draws.map(({ window }) => window.resized))).toEqual(new Set([RESIZED]));
  });

  it('draws all parameters independently', () => {
    const warped = draws.filter(({ matrix }) => matrix !== undefined);
    const lists = {
      ...Object.fromEntries(
        (['rotationDegrees', 'scale', 'shearDegrees', 'shiftX', 'shiftY'] as const).map((name) => [
          name,
          listOf(name),
        ]),
      ),
      left: warped.map(({ window }) => window.left),
      top: warped.map(({ window }) => window.top),
      flip: warped.map(({ window }) => Number(window.flip)),
    };
    const names = Object.keys(lists) as (keyof typeof lists)[];
    for (const [i, a] of names.entries())
      for (const b of names.slice(i + 1))
        expect(Math.abs(correlation(lists[a], lists[b])), `${a}, ${b}`).toBeLessThan(
          4 / Math.sqrt(warps.length),
        );
  });
});
