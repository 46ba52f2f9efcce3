import { describe, expect, it } from 'vitest';
import { applyAugmentation, drawAugmentation } from '../../src/augment/augment.js';
import { affineMatrix, invertAffine, resizeWindow, warpAffine } from '../../src/augment/warp.js';
import { configSchema } from '../../src/config/schema.js';
import { Rng } from '../../src/runtime/rng.js';
import { readTensors } from '../support/reference.js';

const figures = readTensors('metrics.safetensors');
const figure = (name: string) => figures.get(`augment/${name}`)!;
const [count, , size] = figure('input').shape as [number, number, number];

/** Picture `index` of `[n, 3, h, w]` as `[h, w, 3]`. */
function picture(name: string, index: number): Float32Array {
  const { data, shape } = figure(name);
  const side = shape[2]!;
  const plane = side * side;
  return Float32Array.from(
    { length: plane * 3 },
    (_, i) => data[(index * 3 + (i % 3)) * plane + Math.floor(i / 3)]!,
  );
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe("kornia's figures", () => {
  it.each([...Array(count).keys()])('picture %i: matrix, warp and resize agree', (i) => {
    const pair = (name: string): [number, number] => {
      const { data } = figure(`params/${name}`);
      return [data[2 * i]!, data[2 * i + 1]!];
    };
    const matrix = affineMatrix(
      {
        rotationDegrees: figure('params/angle').data[i]!,
        scale: pair('scale')[0],
        translation: pair('translations'),
        shearDegrees: [figure('params/shear_x').data[i]!, figure('params/shear_y').data[i]!],
      },
      size,
    );
    expect(largestDifference(matrix, figure('matrix').data.slice(i * 9, i * 9 + 6))).toBeLessThan(1e-4);
    const warped = warpAffine(picture('input', i), size, matrix);
    expect(largestDifference(warped, picture('warped', i))).toBeLessThan(1e-3);
    const resized = new Float32Array(72 * 72 * 3);
    resizeWindow(
      picture('warped', i),
      size,
      { resized: 72, left: 0, top: 0, size: 72, flip: false },
      resized,
    );
    expect(largestDifference(resized, picture('resized_72', i))).toBeLessThan(1e-5);
  });
});

describe('augmentation', () => {
  const { augment } = configSchema.parse({ losses: { lpips: { weight: 0 } } }).data;

  it('draws the same from the same position and uses the same number of words every time', () => {
    const rng = new Rng(5);
    const drawn = [0, 1, 2, 3].map(() => {
      drawAugmentation(augment, 64, rng);
      return rng.state().drawn;
    });
    expect(drawn.map((n, i) => n - (drawn[i - 1] ?? 0))).toEqual(Array(4).fill(drawn[0]));
    expect(drawAugmentation(augment, 64, new Rng(9))).toEqual(drawAugmentation(augment, 64, new Rng(9)));
  });

  it('leaves a picture as it is where everything is switched off, and mirrors it exactly', () => {
    const image = new Rng(2).normals(8 * 8 * 3);
    const out = new Float32Array(image.length);
    const off = { ...augment, probability: 0, resizeRatio: 1, flipProbability: 0 };
    applyAugmentation(image, 8, drawAugmentation(off, 8, new Rng(1)), out, 0);
    expect(out).toEqual(image);
    applyAugmentation(image, 8, drawAugmentation({ ...off, flipProbability: 1 }, 8, new Rng(1)), out, 0);
    expect([...out.slice(0, 3)]).toEqual([...image.slice(7 * 3, 8 * 3)]);
  });

  it('fills the border with grey or draws the edge out', () => {
    const image = new Float32Array(8 * 8 * 3).fill(0.5);
    const shift = [1, 0, 3, 0, 1, 0] as const;
    const rowOf = (border: 'zeros' | 'edge') =>
      Array.from(warpAffine(image, 8, shift, border).subarray(0, 8 * 3)).filter((_, i) => i % 3 === 0);
    expect(rowOf('zeros')).toEqual([0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5]);
    expect(rowOf('edge')).toEqual(Array(8).fill(0.5));
  });

  it('stays within the configured ranges', () => {
    const rng = new Rng(3);
    let warps = 0;
    for (let i = 0; i < 400; i++) {
      const { matrix, window } = drawAugmentation(augment, 64, rng);
      expect(window.left).toBeLessThanOrEqual(window.resized - 64);
      if (matrix === undefined) continue;
      warps++;
      const scale = Math.hypot(matrix[0], matrix[3]);
      expect(scale).toBeGreaterThan(0.79);
      expect(scale).toBeLessThan(1.21);
      expect(invertAffine(invertAffine(matrix))[2]).toBeCloseTo(matrix[2], 6);
    }
    expect(warps / 400).toBeGreaterThan(0.4);
    expect(warps / 400).toBeLessThan(0.6);
  });
});
