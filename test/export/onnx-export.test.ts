import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { configSchema } from '../../src/config/schema.js';
import { type ComparisonInputs, comparisonInputs } from '../../src/export/comparison.js';
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

const request = (changes: Partial<FolderExport> = {}): FolderExport => ({
  source: {
    architecture: model,
    values,
    config: { model },
    dataName: undefined,
    step: 4,
    sha256: '0'.repeat(64),
    dir: 'nowhere',
  },
  out: join(folder, 'out'),
  inputs,
  card: {},
  ...changes,
});

test('reports progress, and differences within their bounds, not zero in float16', async () => {
  const told: number[][] = [];
  const comparisons = await exportOnnx(
    request({ onProgress: (done, total) => told.push([done, total]) }),
    options,
  );
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((done) => [done, 8]));
  expect(comparisons).toHaveLength(4);
  for (const { difference } of comparisons) {
    expect(difference).toBeGreaterThan(1e-6);
    expect(difference).toBeLessThan(2e-2);
  }
  const { metadata } = decodeModel(await readFile(join(folder, 'out', 'onnx', 'model_fp16.onnx')));
  expect(metadata).toMatchObject({ 'gnr.latentDim': String(model.latentDim), 'gnr.direction': 'A2B' });
  const architecture: unknown = JSON.parse(metadata['gnr.architecture']!);
  expect(configSchema.shape.model.parse(architecture)).toEqual(model);
});

test('leaves nothing if it is stopped', async () => {
  const controller = new AbortController();
  const onProgress = (done: number): void => {
    if (done === 3) controller.abort();
  };
  const stopped = exportOnnx(request({ onProgress, signal: controller.signal }), options);
  await expect(stopped).rejects.toThrow('the export was stopped');
  expect(await readdir(folder)).toEqual([]);
});
