import { describe, expect, it } from 'vitest';
import { affineMatrix, warpAffine, warpResized } from '../../src/augment/warp.js';
import { readTensors } from '../support/reference.js';

const figures = readTensors('metrics.safetensors');
const figure = (name: string) => figures.get(`augment/${name}`)!;
const [count, , size] = figure('input').shape as [number, number, number];

/** Image `index` of `[n, 3, h, w]` as `[h, w, 3]`. */
function imageOf(name: string, index: number): Float32Array {
  const { data, shape } = figure(name);
  const side = shape[2]!;
  const plane = side * side;
  return Float32Array.from(
    { length: plane * 3 },
    (_, i) => data[(index * 3 + (i % 3)) * plane + Math.floor(i / 3)]!,
  );
}

function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe('warps and resizes', () => {
  it.each([...Array(count).keys()])("of image %i agree with kornia's figures", (i) => {
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
    expect(maxDifference(matrix, figure('matrix').data.slice(i * 9, i * 9 + 6))).toBeLessThan(1e-4);
    const warped = warpAffine(imageOf('input', i), size, matrix);
    expect(maxDifference(warped, imageOf('warped', i))).toBeLessThan(1e-4);
    const resized = new Float32Array(72 * 72 * 3);
    warpResized(
      imageOf('warped', i),
      size,
      { border: 'zeros' },
      { resized: 72, left: 0, top: 0, size: 72, flip: false },
      resized,
    );
    expect(maxDifference(resized, imageOf('resized_72', i))).toBeLessThan(1e-5);
  });
});
