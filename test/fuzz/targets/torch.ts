// Files of PyTorch: pickles, zip archives, the legacy format, checkpoints of the reference.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { InputError } from '../../../src/base/errors.js';
import { parseReferenceFile } from '../../../src/checkpoint/reference/reference-file.js';
import { findDicts } from '../../../src/checkpoint/reference/state-dicts.js';
import { openTensorFile } from '../../../src/checkpoint/tensor-file.js';
import { pickle } from '../../../src/checkpoint/torch-file/pickler.js';
import {
  OrderedDict,
  PythonFloat,
  TensorToPickle,
  Tuple,
} from '../../../src/checkpoint/torch-file/python-values.js';
import { TorchHost } from '../../../src/checkpoint/torch-file/torch-globals.js';
import { Budget, Callable, PickleError, unpickle } from '../../../src/checkpoint/torch-file/unpickler.js';
import { TorchTensorRef } from '../../../src/checkpoint/torch-file/values.js';
import {
  dictionary,
  legacyBytes,
  pickleOf,
  storage,
  tensor,
  writeTorchZip,
} from '../../support/torch-files.js';
import { pickles } from '../inputs.js';
import type { FuzzTarget } from '../target.js';
import { scratchFile } from './scratch.js';

const isInputError = (error: unknown): boolean => error instanceof InputError;
const MOST_VALUES = 200_000;

/** @throws Error if a function of the allow-list has got into a value, where somebody could call it. */
function rejectFunctions(root: unknown): void {
  const waiting = [root];
  const seen = new Set<unknown>();
  while (waiting.length > 0 && seen.size < MOST_VALUES) {
    const value = waiting.pop();
    if (typeof value === 'function') throw new Error('a function in the value of a pickle');
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof Map) waiting.push(...[...value].slice(0, 1000).flat());
    else if (Array.isArray(value)) waiting.push(...value.slice(0, 1000));
    else if (value instanceof Callable) continue;
  }
}

const someValue = () =>
  pickle(
    new Map<string, never>([
      ['iter', 7],
      ['name', 'run'],
      ['rate', new PythonFloat(1)],
      ['shape', new Tuple([1, 2, 3])],
      ['G_A2B', new OrderedDict([['w', new TensorToPickle([2, 2], () => new Float32Array([1, 2, 3, 4]))]])],
    ] as never),
  ).bytes;

const pickleTarget: FuzzTarget = {
  seeds: () => [
    someValue(),
    Buffer.from(
      pickleOf(dictionary({ w: tensor(storage('FloatStorage', '0', 4), 0, [2, 2], [2, 1]) })),
      'latin1',
    ),
  ],
  structured: pickles,
  run: (bytes) => {
    const { value } = unpickle(bytes, 0, new TorchHost(new Budget(bytes.byteLength)));
    rejectFunctions(value);
  },
  refused: (error) => error instanceof PickleError,
  runs: 3000,
};

/** Opens a file as `gnr import` does, and reads some of its tensors. */
async function openAndRead(path: string): Promise<void> {
  const file = await openTensorFile(path);
  try {
    const tensors = [...findDicts(file.root).networks.values()].flatMap(({ tensors: dict }) => [
      ...dict.values(),
    ]);
    for (const ref of tensors.slice(0, 4)) if (ref instanceof TorchTensorRef) await file.read(ref);
    try {
      parseReferenceFile(file);
    } catch (error) {
      // Most files are of something else.
      if (!(error instanceof InputError)) throw error;
    }
  } finally {
    await file.close();
  }
}

const floats = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
const weights = pickleOf(dictionary({ w: tensor(storage('FloatStorage', '0', 4), 0, [2, 2], [2, 1]) }));

async function zipOf(records: Record<string, string> = {}): Promise<Uint8Array> {
  const path = scratchFile(new Uint8Array(), 'seed.pt');
  await writeTorchZip(path, weights, { 0: floats }, records);
  return readFileSync(path);
}

/** Numbers of a zip archive stand at known places behind these signatures. */
const SIGNATURES = ['PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07'];

/** Archives whose sizes, counts and places are wrong, or whose small records are large. */
function zips(seed: Uint8Array): fc.Arbitrary<Uint8Array> {
  const wrongNumber = fc
    .tuple(
      fc.constantFrom(...SIGNATURES),
      fc.nat(3),
      fc.integer({ min: 4, max: 46 }),
      fc.constantFrom(0, 1, 0xffff, 0x7fffffff, 0xffffffff),
    )
    .map(([signature, skip, offset, value]) => {
      const bytes = Buffer.from(seed);
      let found = bytes.indexOf(signature, 0, 'latin1');
      for (let i = 0; i < skip && found >= 0; i++) found = bytes.indexOf(signature, found + 1, 'latin1');
      if (found >= 0 && found + offset + 4 <= bytes.length) bytes.writeUInt32LE(value, found + offset);
      return new Uint8Array(bytes);
    });
  return wrongNumber;
}

const torchFile: FuzzTarget = {
  seeds: async () => [
    await zipOf(),
    await zipOf({
      'archive/byteorder': 'little',
      'archive/version': '3\n',
      'archive/.data/serialization_id': '1',
    }),
  ],
  structured: ([, withRecords]) => zips(withRecords!),
  run: (bytes) => openAndRead(scratchFile(bytes, 'input.pt')),
  refused: isInputError,
  runs: 1200,
};

/** Archives with one record of any size; all but tensors should be small, and are read whole. */
const torchRecords: FuzzTarget = {
  seeds: () => [Uint8Array.of(1, 0), Uint8Array.of(0, 1), Uint8Array.of(2, 1), Uint8Array.of(3, 1)],
  structured: fc
    .tuple(fc.nat(3), fc.constantFrom(0, 1, 3, 40))
    .map(([name, megabytes]) => Uint8Array.of(name, megabytes)),
  async run([name = 0, megabytes = 0]) {
    const names = ['byteorder', 'version', '.format_version', '.data/serialization_id'];
    const path = scratchFile(new Uint8Array(), 'records.pt');
    await writeTorchZip(
      path,
      weights,
      { 0: floats },
      { [`archive/${names[name % names.length]}`]: 'l'.repeat((megabytes % 64) * 1e6) },
    );
    const before = process.memoryUsage().arrayBuffers;
    const outcome = await openAndRead(path).catch((error: unknown) => error);
    const grown = process.memoryUsage().arrayBuffers - before;
    if (grown > 24e6)
      throw new Error(
        `${Math.round(grown / 1e6)} MB to open an archive of two small records and a large one`,
      );
    if (outcome !== undefined) throw outcome;
  },
  refused: isInputError,
  limitBytes: () => 1e9,
  runs: 24,
};

const legacy: FuzzTarget = {
  seeds: () => [
    legacyBytes(weights, [{ key: '0', elements: 4, bytes: floats }]),
    legacyBytes(weights, [{ key: '0', elements: 4, bytes: floats }], { littleEndian: false }),
  ],
  run: (bytes) => openAndRead(scratchFile(bytes, 'legacy.pt')),
  refused: isInputError,
  runs: 1200,
};

/** Targets by name. */
export const torchTargets: Record<string, FuzzTarget> = {
  pickle: pickleTarget,
  'torch-file': torchFile,
  'torch-records': torchRecords,
  legacy,
};
