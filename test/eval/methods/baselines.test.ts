import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../src/base/rng.js';
import { type DecodedImage, encodePng } from '../../../src/data/decode.js';
import {
  BASELINES,
  type BaselineOptions,
  baselineMethod,
  baselineProblem,
  transferColours,
} from '../../../src/eval/methods/baselines.js';
import type { Method, OutputGroup } from '../../../src/eval/methods/method.js';

const SIZE = 8;
let folder = '';
let options: BaselineOptions;

function noise(rng: Rng, centre: number, spread: number): DecodedImage {
  const data = Uint8Array.from({ length: SIZE * SIZE * 3 }, () => Math.round(rng.normal(centre, spread)));
  return { data, width: SIZE, height: SIZE };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-baselines-'));
  const rng = new Rng(3, 'images');
  const write = async (name: string, centre: number): Promise<string> => {
    const path = join(folder, name);
    await encodePng(noise(rng, centre, 8), path);
    return path;
  };
  const several = (prefix: string, count: number, centre: number) =>
    Promise.all(Array.from({ length: count }, (_, i) => write(`${prefix}${i}.png`, centre)));
  options = {
    inputs: await several('input', 3, 60),
    real: await several('real', 6, 180),
    otherReal: await several('other', 9, 200),
    perInput: 3,
    size: SIZE,
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function all(method: Method, seed: number): Promise<OutputGroup[]> {
  const groups: OutputGroup[] = [];
  for await (const some of method.groups(seed)) groups.push(...some);
  return groups;
}

const bytes = async (groups: readonly OutputGroup[]) =>
  Promise.all(
    groups.flatMap(({ outputs }) =>
      outputs.map(async (output) => Buffer.from((await output.read()).data).toString('hex')),
    ),
  );

const mean = ({ data }: DecodedImage) => data.reduce((sum, value) => sum + value, 0) / data.length;

describe('baselines', () => {
  it.each(BASELINES)('%s gives each input once, and the same outputs for the same seed', async (name) => {
    const method = baselineMethod(name, options);
    const groups = await all(method, 5);
    expect(groups.map(({ input }) => input)).toEqual(Array.from({ length: method.inputs }, (_, i) => i));
    expect(groups.every(({ outputs }) => outputs.length === method.outputsPerInput)).toBe(true);
    expect(await bytes(await all(method, 5))).toEqual(await bytes(groups));
    const isOther = (await bytes(await all(method, 6))).join() !== (await bytes(groups)).join();
    expect(isOther).toBe(method.isRandom);
  });

  it('identity returns the inputs', async () => {
    const groups = await all(baselineMethod('identity', options), 0);
    for (const { source, outputs } of groups)
      for (const output of outputs) expect((await output.read()).data).toEqual(source!.data);
  });

  it('colour-transfer gives the content of the input in the brightness of a target', async () => {
    const [group] = await all(baselineMethod('colour-transfer', options), 0);
    const output = await group!.outputs[0]!.read();
    expect(mean(output)).toBeGreaterThan(190);
    const [a, b] = [group!.source!.data, output.data];
    let [ab, aa, bb] = [0, 0, 0];
    for (let i = 0; i < a.length; i += 3) {
      const [x, y] = [a[i]! - 60, b[i]! - 200];
      ab += x * y;
      aa += x * x;
      bb += y * y;
    }
    expect(ab / Math.sqrt(aa * bb)).toBeGreaterThan(0.95);
  });

  it('random-target draws from images that are not compared with, none twice while others remain', async () => {
    const groups = await all(baselineMethod('random-target', options), 0);
    const names = groups.flatMap(({ outputs }) => outputs.map(({ name }) => name));
    expect(new Set(names).size).toBe(9);
    expect(names.every((name) => options.otherReal.includes(name))).toBe(true);
  });

  it('random-target returns a repeated image as the same object', async () => {
    const few = { ...options, otherReal: options.otherReal.slice(0, 2) };
    const method = baselineMethod('random-target', few);
    const outputs = (await all(method, 0)).flatMap((group) => group.outputs);
    expect([outputs.length, new Set(outputs).size, method.outputs]).toEqual([9, 2, 2]);
  });

  it.each(['identity', 'colour-transfer', 'random-target'] as const)(
    '%s makes as many outputs of one input as are asked for',
    async (name) => {
      const outputs = [];
      for await (const some of baselineMethod(name, options).outputsOf!(1, 19, 3)) outputs.push(...some);
      expect(outputs).toHaveLength(19);
    },
  );

  it('real-split compares two halves that share no image', async () => {
    const method = baselineMethod('real-split', options);
    const outputs = (await all(method, 0)).flatMap((group) => group.outputs.map(({ name }) => name));
    const real = method.real!.map(({ name }) => name);
    expect([...outputs, ...real].sort()).toEqual([...options.real].sort());
    expect(outputs.length).toBe(3);
  });

  it('baselineProblem says what a baseline lacks', () => {
    expect(baselineProblem('identity', { ...options, inputs: [] })).toMatch(/no inputs/);
    expect(baselineProblem('real-split', { ...options, real: options.real.slice(0, 3) })).toMatch(
      /fewer than 4/,
    );
    expect(baselineProblem('random-target', { ...options, otherReal: [] })).toMatch(
      /the target domain has no images other/,
    );
    expect(() => baselineMethod('identity', { ...options, inputs: [] })).toThrow(RangeError);
  });
});

describe('transferColours', () => {
  it('gives mean and deviation of each channel, and a single colour for a flat source', () => {
    const target = noise(new Rng(1), 120, 20);
    const flat = { data: new Uint8Array(SIZE * SIZE * 3).fill(7), width: SIZE, height: SIZE };
    const { data } = transferColours(flat, target);
    const centre = target.data.filter((_, i) => i % 3 === 0).reduce((a, b) => a + b, 0) / (SIZE * SIZE);
    expect(Math.abs(data[0]! - centre)).toBeLessThanOrEqual(0.5);
    expect(new Set(data.filter((_, i) => i % 3 === 0)).size).toBe(1);
  });
});
