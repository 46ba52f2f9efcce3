import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { type MeasuredImage, memoryImage } from '../../../src/eval/measured-image.js';
import type { Method } from '../../../src/eval/methods/method.js';
import { contentConsistency } from '../../../src/eval/metrics/content-consistency.js';
import type { Measured, MetricContext } from '../../../src/eval/metrics/metric.js';
import { styleConsistency } from '../../../src/eval/metrics/style-consistency.js';
import type { Translator } from '../../../src/translate/translator.js';
import { figuresOf } from '../../support/measurement.js';

const SIZE = 4;
const PIXELS = SIZE * SIZE * 3;
const LATENT = 64;

function imageOf(bytes: Uint8Array): MeasuredImage {
  return memoryImage('image', { data: bytes, width: SIZE, height: SIZE });
}

function contextOf(translator: Partial<Translator>, rest: Partial<MetricContext> = {}): MetricContext {
  const architecture = { size: SIZE, latentDim: LATENT } as Translator['architecture'];
  return {
    method: {
      model: {
        translator: { architecture, ...translator } as Translator,
        direction: 'A2B',
        readInputs: () => Promise.reject(new Error('no inputs here')),
      },
    } as Partial<Method> as Method,
    real: [],
    seed: 1,
    onProgress: () => undefined,
    signal: undefined,
    ...rest,
  } as MetricContext;
}

describe('contentConsistency', () => {
  /** Codes are the images themselves, those of outputs negated. */
  const translator: Partial<Translator> = {
    encode: (direction, images) => ({
      direction,
      count: images.length / PIXELS,
      codes: direction === 'A2B' ? images.slice() : images.map((value) => -value),
    }),
  };

  async function measured(
    inputs: Uint8Array[],
    outputs: Uint8Array[],
    batch: number,
    signal?: AbortSignal,
  ): Promise<Measured | undefined> {
    const sourceOf = (input: number) => ({ data: inputs[input]!, width: SIZE, height: SIZE });
    const context = contextOf(translator, { signal });
    Object.assign(context.method, { inputs: inputs.length });
    context.method.model!.readInputs = async (places) => places.map(sourceOf);
    const groups = inputs.map((_, input) => ({
      input,
      source: sourceOf(input),
      outputs: [imageOf(outputs[input]!)],
    }));
    const batches = Array.from({ length: Math.ceil(inputs.length / batch) }, (_, i) =>
      groups.slice(i * batch, (i + 1) * batch),
    );
    return (await figuresOf(await contentConsistency.start({}, context), batches))[0];
  }

  const rng = new Rng(3, 'content');
  const drawn = (count: number) =>
    Array.from({ length: count }, () => Uint8Array.from({ length: PIXELS }, () => rng.integer(256)));

  it.each([
    [2, 2],
    [5, 2],
    [8, 8],
    [9, 4],
    [21, 4],
  ])(
    'compares each of %i outputs with its input and those after it, shown %i at a time',
    async (n, batch) => {
      const [inputs, outputs] = [drawn(n), drawn(n)];
      const unit = (byte: number): number => byte / 127.5 - 1;
      const distance = (output: Uint8Array, input: Uint8Array): number =>
        Math.sqrt(output.reduce((sum, byte, i) => sum + (-unit(byte) - unit(input[i]!)) ** 2, 0) / PIXELS);
      const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length;
      const own = outputs.map((output, i) => distance(output, inputs[i]!));
      const others = outputs.flatMap((output, i) =>
        Array.from({ length: Math.min(8, n - 1) }, (_, k) => distance(output, inputs[(i + k + 1) % n]!)),
      );
      const figure = await measured(inputs, outputs, batch);
      expect(figure!.value).toBeCloseTo(mean(own) / mean(others), 6);
      expect(figure!.n).toEqual({ inputs: n, pairs: others.length });
    },
  );

  it('contentConsistency gives no figure if all codes are equal, and stops on a signal', async () => {
    const [input, output] = [new Uint8Array(PIXELS).fill(255), new Uint8Array(PIXELS)];
    expect(await measured([input, input, input], [output, output, output], 2)).toBeUndefined();
    await expect(measured(drawn(2), drawn(2), 1, AbortSignal.abort())).rejects.toThrow();
  });
});

describe('styleConsistency', () => {
  /** Codes of an image with a deviation between images and one between its warps. */
  async function measured(between: number, within: number, views: number): Promise<Map<string, number>> {
    const rng = new Rng(5, 'styles');
    const real = Array.from({ length: 100 }, () => imageOf(new Uint8Array(PIXELS)));
    const translator: Partial<Translator> = {
      styleOf(_, images) {
        const mean = rng.normals(LATENT).map((value) => between * value);
        return rng
          .normals((images.length / PIXELS) * LATENT)
          .map((value, i) => within * value + mean[i % LATENT]!);
      },
    };
    const measurement = await styleConsistency.start({ views }, contextOf(translator, { real }));
    const figures = await figuresOf(measurement);
    return new Map(figures.map(({ key, value }) => [key, value]));
  }

  it.each([2, 8])(
    'the style variance share is the one that the codes were drawn with (%i views)',
    async (views) => {
      const figures = await measured(2, 1, views);
      expect(figures.get('style')! / LATENT).toBeCloseTo(1, 1);
      expect(Math.abs(figures.get('style-share')! - 0.2)).toBeLessThan(0.015);
    },
  );

  it('the style variance share is 1 for random codes, 0 if warps change nothing, and missing if all codes are equal', async () => {
    expect((await measured(0, 1, 2)).get('style-share')).toBeGreaterThan(0.97);
    expect((await measured(0, 1, 2)).get('style-share')).toBeLessThanOrEqual(1);
    expect((await measured(1, 0, 2)).get('style-share')).toBeLessThan(1e-9);
    expect(await measured(0, 0, 2)).toEqual(new Map([['style', 0]]));
  });

  it('styleConsistency needs two views', () => {
    const { method, resources } = contextOf({});
    const real = [imageOf(new Uint8Array(PIXELS)), imageOf(new Uint8Array(PIXELS))];
    expect(styleConsistency.problem!({ method, real, resources }, { views: 1 })).toMatch(/two views/);
    expect(styleConsistency.problem!({ method, real, resources }, { views: 2 })).toBeUndefined();
  });
});
