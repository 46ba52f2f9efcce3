import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  drawSmoothWarp,
  type SmoothWarp,
  smoothWarpArrays,
  smoothWarpShapes,
  warpSmoothly,
} from '../../src/augment/smooth-warp.js';
import { Rng } from '../../src/base/rng.js';
import { square } from '../../src/ops/arithmetic.js';
import { loadEngine } from '../../src/runtime/node.js';
import { sampled } from '../support/bilinear.js';
import { checkGradients } from '../support/gradients.js';
import { randomTensor, valuesOf } from '../support/tensors.js';

const SIZE = 24;
const COUNT = 3;

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const warps = (count = COUNT, size = SIZE, seed = 3): SmoothWarp[] => {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => drawSmoothWarp(size, rng));
};

const tensorsOf = (drawn: readonly SmoothWarp[], size: number) => {
  const arrays = smoothWarpArrays(drawn, size);
  const shapes = smoothWarpShapes(drawn.length, size);
  return {
    smoothWarps: tf.tensor(arrays.smoothWarps, shapes.smoothWarps),
    bends: tf.tensor(arrays.bends, shapes.bends),
  };
};

/** Where a warp samples for a pixel, by the definition of a wave. */
function position({ matrix: [a, b, c, d, e, f], waves }: SmoothWarp, x: number, y: number, size: number) {
  let [u, v] = [a * x + b * y + c, d * x + e * y + f];
  for (const { shift, cycles, phase } of waves) {
    const height = Math.sin(phase + (2 * Math.PI * (cycles[0] * x + cycles[1] * y)) / size);
    u += shift[0] * height;
    v += shift[1] * height;
  }
  return [u, v] as const;
}

describe('smooth warps', () => {
  it('sample where their maps and waves say', () => {
    const drawn = warps();
    const images = randomTensor(1, [COUNT, SIZE, SIZE, 3]);
    const all = valuesOf(images);
    const length = SIZE * SIZE * 3;
    const expected = drawn.flatMap((warp, image) => {
      const own = all.slice(image * length, (image + 1) * length);
      return Array.from({ length }, (_, i) => {
        const pixel = Math.floor(i / 3);
        return sampled(own, SIZE, position(warp, pixel % SIZE, Math.floor(pixel / SIZE), SIZE), i % 3);
      });
    });
    const found = valuesOf(warpSmoothly(images, tensorsOf(drawn, SIZE)));
    for (const [i, value] of expected.entries()) expect(found[i]!).toBeCloseTo(value, 3);
  });

  it('turn, scale, shift, mirror and bend, and never fold', () => {
    const many = warps(200);
    expect(new Set(many.map(({ matrix }) => matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0)).size).toBe(2);
    const strains = many.map((warp) => {
      const at = (x: number, y: number) => position(warp, x, y, SIZE);
      let least = Number.POSITIVE_INFINITY;
      for (let y = 0; y < SIZE; y += 3)
        for (let x = 0; x < SIZE; x += 3) {
          const [[u, v], [ux, vx], [uy, vy]] = [at(x, y), at(x + 0.01, y), at(x, y + 0.01)];
          least = Math.min(least, Math.abs((ux - u) * (vy - v) - (uy - u) * (vx - v)) / 1e-4);
        }
      const { matrix } = warp;
      const whole = Math.abs(matrix[0] * matrix[4] - matrix[1] * matrix[3]);
      return least / whole;
    });
    // The area of what is shown changes over the image, and nowhere to nothing.
    expect(Math.min(...strains)).toBeGreaterThan(0.05);
    expect(Math.max(...strains)).toBeLessThan(1);
    expect(strains.toSorted((a, b) => a - b)[100]!).toBeLessThan(0.95);
  });

  it('always use the same number of random words', () => {
    const rng = new Rng(5);
    const words = [0, 1, 2].map(() => {
      drawSmoothWarp(SIZE, rng);
      return rng.state().drawn;
    });
    expect(words[1]! - words[0]!).toBe(words[0]);
    expect(words[2]! - words[1]!).toBe(words[0]);
  });

  it('have gradients of first and second order', () => {
    const drawn = tensorsOf(warps(2, 4), 4);
    checkGradients((x) => square(warpSmoothly(x!, drawn)), [randomTensor(2, [2, 4, 4, 3])], 2);
  });
});
