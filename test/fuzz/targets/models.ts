// Files of models: safetensors, models for browsers, ONNX, checkpoints' state.
import { readFileSync } from 'node:fs';
import { InputError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/hash.js';
import { bytesOf, readFields, readPacked } from '../../../src/base/protobuf.js';
import { Rng } from '../../../src/base/rng.js';
import type { ModelFiles } from '../../../src/browser/model-files.js';
import { loadWebModel } from '../../../src/browser/web-bundle.js';
import { readState } from '../../../src/checkpoint/layout.js';
import { readSafetensors, writeSafetensors } from '../../../src/checkpoint/safetensors.js';
import { parseHeader, tensorBytes } from '../../../src/checkpoint/safetensors-header.js';
import { decodeModel, encodeModel } from '../../../src/export/onnx/model-file.js';
import { buildGenerator } from '../../../src/model/generator.js';
import { initParameters } from '../../../src/model/parameters.js';
import { MIN_LAYERS, tinyConfig } from '../../support/config.js';
import { jsonLike, protobufs } from '../inputs.js';
import type { FuzzTarget } from '../target.js';
import { scratchFile } from './scratch.js';

const isInputError = (error: unknown): boolean => error instanceof InputError;
const isRangeError = (error: unknown): boolean =>
  error instanceof RangeError && !/call stack|string length/i.test(error.message);

const HEADER = {
  __metadata__: { format: 'pt', kind: 'x' },
  a: { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
  b: { dtype: 'F16', shape: [3], data_offsets: [16, 22] },
  c: { dtype: 'I64', shape: [], data_offsets: [22, 30] },
};

const header: FuzzTarget = {
  seeds: () => [Buffer.from(JSON.stringify(HEADER))],
  structured: jsonLike(HEADER),
  run: (bytes) => {
    const { entries } = parseHeader('a file', bytes, 8 + bytes.byteLength + 30);
    for (const { dtype, shape } of entries.values())
      if (!((tensorBytes(dtype, shape) ?? -1) >= 0)) throw new Error('a tensor without a size was accepted');
  },
  refused: isInputError,
  runs: 2000,
};

async function safetensorsSeed(): Promise<Uint8Array> {
  const path = scratchFile(new Uint8Array(), 'seed.safetensors');
  await writeSafetensors(
    path,
    new Map([
      ['a', { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) }],
      ['b', { shape: [3], data: new Float32Array([5, 6, 7]) }],
    ]) as never,
  );
  return readFileSync(path);
}

const safetensors: FuzzTarget = {
  seeds: async () => [await safetensorsSeed()],
  run: (bytes) => readSafetensors(scratchFile(bytes, 'input.safetensors')),
  refused: isInputError,
  runs: 1000,
};

const wire: FuzzTarget = {
  seeds: () => [Uint8Array.of(8, 1, 18, 3, 1, 2, 3)],
  structured: protobufs,
  run: (bytes) => {
    readFields(bytes);
    readPacked(bytes);
  },
  refused: isRangeError,
  runs: 3000,
};

const ONNX_MODEL = {
  producerVersion: '1',
  metadata: { key: 'value' },
  graph: {
    name: 'g',
    description: 'd',
    inputs: [{ name: 'x', dtype: 'float32' as const, shape: ['n', 3, 4, 4] }],
    outputs: [{ name: 'y', dtype: 'float32' as const, shape: ['n', 2, 4, 4] }],
    nodes: [
      {
        op: 'Conv',
        name: 'c',
        inputs: ['x', 'w'],
        outputs: ['y'],
        attributes: { pads: { ints: [0, 0, 0, 0] }, alpha: { float: 0.5 }, axis: { int: 1 } },
      },
    ],
    initializers: [
      { name: 'w', dtype: 'float32' as const, shape: [2, 3, 1, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
    ],
  },
};

const onnx: FuzzTarget = {
  seeds: () => [bytesOf(encodeModel(ONNX_MODEL as never))],
  structured: protobufs,
  run: (bytes) => {
    // What is read can be written, and is read again as the same.
    const model = decodeModel(bytes);
    const again = decodeModel(bytesOf(encodeModel(model)));
    if (JSON.stringify(again) !== JSON.stringify(model))
      throw new Error('a model that changes when it is written again');
  },
  refused: isRangeError,
  runs: 3000,
};

const { model: architecture } = tinyConfig({ model: MIN_LAYERS });

/** bundle.json and the one shard of a tiny model. */
const webModel = (() => {
  const { specs } = buildGenerator(architecture);
  const values = initParameters(specs, new Rng(1, 'bundle'));
  const parts: Uint8Array[] = [];
  const tensors: unknown[] = [];
  let offset = 0;
  for (const network of ['G_A2B', 'G_B2A'])
    for (const [path, { shape }] of Object.entries(specs)) {
      const data = values[path]!;
      parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      tensors.push({
        name: `${network}/${path}`,
        shape,
        dtype: 'float32',
        shard: 0,
        offset,
        bytes: data.byteLength,
      });
      offset += data.byteLength;
    }
  const shard = new Uint8Array(Buffer.concat(parts));
  const manifest = {
    format: 'gnr-web-bundle',
    version: 1,
    architecture,
    tensors: tensors.slice(),
    shards: [{ file: 's-0.bin', bytes: shard.byteLength, sha256: sha256(shard) }],
  };
  return { manifest, shard };
})();

const webBundle: FuzzTarget = {
  seeds: () => [Buffer.from(JSON.stringify(webModel.manifest))],
  // The first tensors stand for all.
  structured: jsonLike({ ...webModel.manifest, tensors: webModel.manifest.tensors.slice(0, 3) }),
  run: (bytes) => {
    const files: ModelFiles = {
      label: 'a model',
      open: (name) =>
        Promise.resolve(
          name === 'bundle.json'
            ? new Response(new Uint8Array(bytes))
            : name === 's-0.bin'
              ? new Response(webModel.shard, {
                  headers: { 'content-length': String(webModel.shard.byteLength) },
                })
              : undefined,
        ),
    };
    return loadWebModel(files);
  },
  refused: isInputError,
  limitBytes: (input) => 16 * input.byteLength + 8 * webModel.shard.byteLength + 64e6,
  runs: 600,
};

const STATE = {
  format: 'gnr-checkpoint',
  version: 1,
  step: 12,
  seconds: 4.5,
  samplerA: null,
  samplerB: null,
};

const state: FuzzTarget = {
  seeds: () => [Buffer.from(JSON.stringify(STATE))],
  structured: jsonLike(STATE),
  run: (bytes) => readState(scratchFile(bytes, 'state.json')),
  refused: isInputError,
  runs: 600,
};

/** Targets by name. */
export const modelTargets: Record<string, FuzzTarget> = {
  'safetensors-header': header,
  safetensors,
  protobuf: wire,
  onnx,
  'web-bundle': webBundle,
  state,
};
