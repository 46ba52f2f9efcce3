import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { type ComparisonInputs, comparisonInputs } from '../../src/export/comparison.js';
import type { Comparison } from '../../src/export/export-options.js';
import type { FolderExport } from '../../src/export/export-task.js';
import { decodeModel } from '../../src/export/onnx/model-file.js';
import { exportOnnx } from '../../src/export/onnx-export.js';
import { loadEngine } from '../../src/runtime/node.js';
import { referenceModel } from '../support/exports.js';
import { configOf, ReferenceRun } from '../support/reference.js';

const { values } = referenceModel('train');
const { model } = configOf(new ReferenceRun('train').config);
const options = { direction: 'A2B', precisions: ['float16'] } as const;

let folder: string;
let inputs: ComparisonInputs;
beforeAll(async () => {
  await loadEngine();
  inputs = await comparisonInputs(model);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-onnx-export-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const request = (out: string, changes: Partial<FolderExport>): FolderExport => ({
  source: {
    architecture: model,
    values,
    config: { model },
    dataName: undefined,
    step: 4,
    sha256: '0'.repeat(64),
    dir: 'nowhere',
  },
  out,
  inputs,
  card: {},
  ...changes,
});

describe('exportOnnx in float16', () => {
  let shared: string;
  const progress: number[][] = [];
  let comparisons: Comparison[];
  beforeAll(async () => {
    shared = await mkdtemp(join(tmpdir(), 'gnr-onnx-export-'));
    const onProgress = (done: number, total: number) => progress.push([done, total]);
    comparisons = await exportOnnx(request(join(shared, 'out'), { onProgress }), options);
  });
  afterAll(() => rm(shared, { recursive: true, force: true }));

  test('reports its progress step by step', () => {
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((done) => [done, 8]));
  });

  test('gives a difference for each part, within its bound but not zero', () => {
    expect(comparisons).toHaveLength(4);
    for (const { difference } of comparisons) {
      expect(difference).toBeGreaterThan(1e-6);
      expect(difference).toBeLessThan(2e-2);
    }
  });

  test('writes the architecture, the direction and the style length into the metadata', async () => {
    const { metadata } = decodeModel(await readFile(join(shared, 'out', 'onnx', 'model_fp16.onnx')));
    expect(metadata).toMatchObject({ 'gnr.latentDim': String(model.latentDim), 'gnr.direction': 'A2B' });
    const architecture: unknown = JSON.parse(metadata['gnr.architecture']!);
    expect(configSchema.shape.model.parse(architecture)).toEqual(model);
  });
});

test('exportOnnx leaves no files if it is stopped', async () => {
  const controller = new AbortController();
  const onProgress = (done: number): void => {
    if (done === 3) controller.abort();
  };
  const stopped = exportOnnx(
    request(join(folder, 'out'), { onProgress, signal: controller.signal }),
    options,
  );
  await expect(stopped).rejects.toThrow('the export was stopped');
  expect(await readdir(folder)).toEqual([]);
});
