import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { readSafetensors } from '../../src/checkpoint/safetensors.js';
import { configJsonSchema } from '../../src/config/json-schema.js';
import { resolveConfig } from '../../src/config/load.js';
import { variantNames } from '../../src/config/variants/names.js';
import type { Variant } from '../../src/config/variants/registry.js';
import type { NetworkVariant } from '../../src/config/variants/variant.js';
import { evaluate } from '../../src/eval/evaluate.js';
import { exportModel } from '../../src/export/export-model.js';
import { type HostArray, interpret } from '../../src/export/onnx/interpret.js';
import { decodeModel } from '../../src/export/onnx/model-file.js';
import { readModel } from '../../src/translate/model.js';
import { openTranslator } from '../../src/translate/open-translator.js';
import { drawStyles } from '../../src/translate/translator.js';
import { noiseImages, toNchw } from '../support/exports.js';
import { openOnnxruntime } from '../support/onnxruntime.js';
import { rejectionMessage } from '../support/rejection.js';
import { ofType, RunFolders } from '../support/runs.js';

vi.mock(import('../../src/config/variants/registry.js'), async (original) => {
  const { variants } = await original();
  const wide: NetworkVariant = {
    summary: 'that of the paper with wide filters for the content code',
    contentFilter: 5,
    globalBranch: 'map',
    defaults: { model: { latentDim: 6 }, losses: { identity: 3 } },
  };
  return { variants: { ...variants, wide } };
});

const model = { variant: 'wide' as Variant };
const runs = RunFolders.prepare();
const onnxruntime = await openOnnxruntime();

describe('the config of a variant that is added to the registry', () => {
  const losses = { lpips: { weight: 0 } };

  it("has the variant's defaults, below the keys that are set and above the schema's", () => {
    const config = resolveConfig({ model, losses: { ...losses, cycle: { form: 'l1' } } });
    expect(config.model).toMatchObject({ variant: 'wide', latentDim: 6, numDown: 3 });
    expect(config.losses).toMatchObject({ identity: 3, cycle: { form: 'l1' } });
    expect(resolveConfig({ model: { ...model, latentDim: 5 }, losses }).model.latentDim).toBe(5);
  });

  it('is checked by the rule of its discriminator, which names it', () => {
    expect(() => resolveConfig({ model: { ...model, discriminatorGlobalSize: 4 }, losses })).toThrow(
      'at least 8 px in variant wide, whose diversity head halves once more',
    );
  });

  it('is in the schema and in messages: its name, its summary and its defaults', () => {
    const wrong = { variant: 'narrow' as Variant };
    expect(() => resolveConfig({ model: wrong, losses })).toThrow(
      `one of ${variantNames.join(', ')} but found`,
    );
    const { properties } = configJsonSchema() as { properties: Record<string, unknown> };
    expect(properties).toMatchObject({
      model: {
        properties: {
          variant: {
            enum: variantNames,
            description: expect.stringMatching(
              /wide filters for the content code \(wide\)\. It sets .* for train or (.* )?wide\.$/,
            ) as string,
          },
          latentDim: { description: 'Length of a style code (wide: 6).' },
          numDown: { description: expect.stringMatching(/ \(train: 4\b.*\)\.$/) as string },
        },
      },
      losses: {
        properties: {
          identity: { description: expect.stringMatching(/ \(train: 10, (.*, )?wide: 3\)\.$/) as string },
        },
      },
    });
  });
});

describe('a run of a variant that is added to the registry', () => {
  let runDir: string;
  beforeAll(async () => {
    runDir = join(runs.shared, 'wide');
    const events = await runs.train(runs.config(2, { model }), { runDir });
    expect(ofType(events, 'checkpoint').map(({ step }) => step)).toEqual([2]);
  });

  it('trains networks of its form', async () => {
    const weights = ['G_A2B/encoder.content.0.0.weight', 'D_A/g_std.2.weight', 'D_A/g_adv.0.weight'];
    const names = weights.map((name) => `values/${name}`);
    const path = join(runs.checkpointAt(2, runDir), 'training.safetensors');
    const { tensors } = await readSafetensors(path, { names });
    const [content, diversity, logit] = names.map((name) => tensors.get(name)!.shape);
    expect(content!.slice(0, 2)).toEqual([5, 5]);
    expect(diversity![1]).toBe(128);
    expect(logit!.slice(0, 2)).toEqual([1, 1]);
    // Both heads learn: Adam has seen a gradient of every weight.
    const second = weights.map((name) => `second/${name}`);
    const moments = (await readSafetensors(path, { names: second })).tensors;
    for (const name of second) expect(Math.max(...moments.get(name)!.data), name).toBeGreaterThan(0);
    // A loss that only its defaults turn on.
    const { terms } = (await runs.metrics(runDir)).at(-1)!;
    expect(terms['generators/identity']).toBeGreaterThan(0);
  });

  it('is evaluated', async () => {
    const protocol = join(runs.folder, 'own.json');
    const metrics = { cycleError: {}, contentConsistency: {} };
    await writeFile(protocol, JSON.stringify({ name: 'own', metrics }));
    const { receipt } = await evaluate({ checkpoint: runDir, data: runs.dataset, protocol, baselines: [] });
    const { figures } = receipt.methods.find(({ name }) => name === 'model')!;
    expect(figures.map(({ metric }) => metric)).toEqual(['cycleError', 'contentConsistency']);
    for (const { value } of figures) expect(value).toBeGreaterThan(0);
  });

  it('is exported to an ONNX file that computes what the translator computes', async () => {
    const out = join(runs.folder, 'onnx');
    await exportModel(runDir, 'onnx', out, { precision: 'float32' });
    const bytes = await readFile(join(out, 'onnx', 'model.onnx'));

    const { architecture, values } = await readModel(runDir);
    const { size, latentDim } = architecture;
    const [count, images] = [2, noiseImages(2, size)];
    const styles = drawStyles(new Rng(1, 'styles'), count, latentDim);
    const translator = openTranslator(architecture, values, { capture: false });
    const translated = translator.decode(translator.encode('A2B', images), styles);
    translator.dispose();
    const nchw = (data: Float32Array) => toNchw(data, [count, size, size, 3]);
    const expected = nchw(translated);
    const inputs: Record<string, HostArray> = {
      image: { shape: [count, 3, size, size], data: nchw(images) },
      style: { shape: [count, latentDim], data: styles },
    };

    const read = decodeModel(bytes);
    const own = interpret(read, inputs)[read.graph.outputs[0]!.name]!.data;
    // Far below what the images span.
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.1);
    expect(largestDifference(own, expected)).toBeLessThan(1e-4);
    if (onnxruntime === undefined) return;
    const session = await onnxruntime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const feeds = Object.entries(inputs).map(([name, { data, shape }]) => [
      name,
      new onnxruntime.Tensor('float32', data, shape),
    ]);
    const result = await session.run(Object.fromEntries(feeds));
    const theirs = result[session.outputNames[0]!]!.data as Float32Array;
    await session.release();
    expect(largestDifference(theirs, expected)).toBeLessThan(1e-4);
  });

  it('has no PyTorch checkpoint, which the export says', async () => {
    expect(await rejectionMessage(exportModel(runDir, 'pt', join(runs.folder, 'ck.pt')))).toContain(
      'Expected a model of variant main or train to write as a PyTorch checkpoint but found one of variant wide',
    );
  });
});

function largestDifference(ours: Float32Array, theirs: Float32Array): number {
  expect(ours).toHaveLength(theirs.length);
  return ours.reduce((largest, value, i) => Math.max(largest, Math.abs(value - theirs[i]!)), 0);
}
