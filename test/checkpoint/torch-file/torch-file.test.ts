import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { Rng } from '../../../src/base/rng.js';
import {
  OrderedDict,
  PythonFloat,
  type PythonValue,
  TensorToPickle,
  Tuple,
} from '../../../src/checkpoint/torch-file/python-values.js';
import { TorchFile } from '../../../src/checkpoint/torch-file/torch-file.js';
import { TorchTensorRef } from '../../../src/checkpoint/torch-file/values.js';
import { writeTorchFile } from '../../../src/checkpoint/torch-file/write-torch-file.js';
import { rejectionMessage } from '../../support/rejection.js';
import {
  dictionary,
  integer,
  integers,
  legacyBytes,
  pickleOf,
  storage,
  tensor,
  text,
  tuple,
  writeLegacy,
  writeTorchZip,
  writeZip,
} from '../../support/torch-files.js';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-torch-file-'));
  path = join(folder, 'file.pt');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** All of a file, its tensors read. */
async function load(file = path): Promise<unknown> {
  const opened = await TorchFile.open(file);
  const plain = async (value: unknown): Promise<unknown> => {
    if (value instanceof TorchTensorRef)
      return { shape: [...value.shape], data: [...(await opened.read(value))] };
    if (Array.isArray(value)) return Promise.all(value.map(plain));
    if (!(value instanceof Map)) return value;
    const entries: [unknown, unknown][] = [];
    for (const [key, item] of value) entries.push([key, await plain(item)]);
    return new Map(entries);
  };
  try {
    return await plain(opened.root);
  } finally {
    await opened.close();
  }
}

const rejection = (file = path): Promise<string> => rejectionMessage(load(file));
const numbers = (...values: number[]): Float32Array => Float32Array.from(values);
const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer);
const tensorOf = (shape: number[], ...values: number[]) =>
  new TensorToPickle(shape, () => numbers(...values));

const VALUE = new Map<string, PythonValue>([
  ['net', new OrderedDict([['w', tensorOf([2, 3], 1, 2, 3, 4, 5, 6)]])],
  ['empty', tensorOf([0])],
  ['scalar', tensorOf([], -0.5)],
  ['numbers', [0, -1, 70_000, 2 ** 40, -(2 ** 40), new PythonFloat(0.25)]],
  ['tuple', new Tuple(['ü', true, false, null])],
  ['state', new Map([[7, new Map()]])],
]);
const LOADED = new Map<string, unknown>([
  ['net', new Map([['w', { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }]])],
  ['empty', { shape: [0], data: [] }],
  ['scalar', { shape: [], data: [-0.5] }],
  ['numbers', [0, -1, 70_000, 2 ** 40, -(2 ** 40), 0.25]],
  ['tuple', ['ü', true, false, null]],
  ['state', new Map([[7, new Map()]])],
]);

describe('formats', () => {
  it('reads what the zip writer wrote', async () => {
    await writeTorchFile(path, VALUE);
    expect(await load()).toEqual(LOADED);
  });
  it('aligns every record to 64 bytes', async () => {
    await writeTorchFile(path, VALUE);
    const bytes = await readFile(path);
    const at = bytes.indexOf(Buffer.from(bytesOf(numbers(1, 2, 3, 4, 5, 6))));
    expect(at % 64).toBe(0);
  });
  it('reads 64-bit directories', async () => {
    await writeTorchFile(path, VALUE, { wideFrom: 0 });
    expect(await load()).toEqual(LOADED);
  });
  it('reads the legacy format', async () => {
    await writeLegacy(path, VALUE);
    expect(await load()).toEqual(LOADED);
  });
  it('reads a legacy file whose pickles are larger than the first read', async () => {
    const names = new Map(Array.from({ length: 20_000 }, (_, i) => [`${'name'.repeat(20)}${i}`, i]));
    await writeLegacy(
      path,
      new Map<string, PythonValue>([
        ['names', names],
        ['w', tensorOf([1], 3)],
      ]),
    );
    const loaded = (await load()) as Map<string, unknown>;
    expect(loaded.get('names')).toEqual(names);
    expect(loaded.get('w')).toEqual({ shape: [1], data: [3] });
  });
});

describe('tensors', () => {
  const base = numbers(0, 1, 2, 3, 4, 5);
  const load1 = async (value: string, bytes = bytesOf(base)): Promise<unknown> => {
    await writeTorchZip(path, pickleOf(dictionary({ t: value })), { 0: bytes });
    return ((await load()) as Map<string, unknown>).get('t');
  };

  it('follows offsets and strides', async () => {
    const stored = storage('FloatStorage', '0', 6);
    expect(await load1(tensor(stored, 0, [3, 2], [1, 3]))).toEqual({
      shape: [3, 2],
      data: [0, 3, 1, 4, 2, 5],
    });
    expect(await load1(tensor(stored, 2, [2, 2], [2, 1]))).toEqual({ shape: [2, 2], data: [2, 3, 4, 5] });
    expect(await load1(tensor(stored, 5, [1], [1]))).toEqual({ shape: [1], data: [5] });
  });
  it('reads storages that tensors share', async () => {
    const stored = storage('FloatStorage', '0', 6);
    const pair = tuple([tensor(stored, 0, [2], [1]), tensor(stored, 1, [2], [1])]);
    expect(await load1(pair)).toEqual([
      { shape: [2], data: [0, 1] },
      { shape: [2], data: [1, 2] },
    ]);
  });
  it('reads parameters', async () => {
    const inner = tensor(storage('FloatStorage', '0', 6), 0, [2], [1]);
    expect(await load1(`ctorch._utils\n_rebuild_parameter\n${tuple([inner, '\x88', '}'])}R`)).toEqual({
      shape: [2],
      data: [0, 1],
    });
  });
  it.each([
    ['DoubleStorage', new Float64Array([1.5, -2]), [1.5, -2]],
    ['HalfStorage', new Uint16Array([0x3e00, 0xc000]), [1.5, -2]],
    ['BFloat16Storage', new Uint16Array([0x3fc0, 0xc000]), [1.5, -2]],
    ['LongStorage', new BigInt64Array([7n, -9n]), [7, -9]],
    ['IntStorage', new Int32Array([7, -9]), [7, -9]],
    ['ShortStorage', new Int16Array([7, -9]), [7, -9]],
    ['CharStorage', new Int8Array([7, -9]), [7, -9]],
    ['ByteStorage', new Uint8Array([7, 255]), [7, 255]],
    ['BoolStorage', new Uint8Array([1, 0]), [1, 0]],
  ])('reads %s', async (type, data, expected) => {
    const loaded = await load1(tensor(storage(type, '0', 2), 0, [2], [1]), new Uint8Array(data.buffer));
    expect(loaded).toEqual({ shape: [2], data: expected });
  });
  it('reads parameters and tensors as torch pickled them in 2017', async () => {
    const stored = storage('FloatStorage', '0', 6);
    const plain = tensor(stored, 1, [2], [1]);
    const parameter = 'ctorch.nn.parameter\nParameter\n';
    const flags = tuple(['\x88', '\x89', 'N']);
    const parts = tuple([stored, integer(1), integers([2]), integers([1])]);
    const expected = { shape: [2], data: [1, 2] };
    expect(await load1(`${parameter}${tuple([plain])}R${flags}b`)).toEqual(expected);
    expect(await load1(`${parameter}${tuple([plain, '\x88'])}\x81${flags}b`)).toEqual(expected);
    expect(await load1(`${parameter})\x81${tuple([plain, 'N', 'N', '\x88', '\x89'])}b`)).toEqual(expected);
    expect(await load1(`ctorch\nFloatTensor\n)\x81${parts}b`)).toEqual(expected);
    // Remembered before its state was set.
    const twice = tuple([`ctorch\nFloatTensor\n)\x81q\x00${parts}b`, 'h\x00']);
    expect(await load1(twice)).toEqual([expected, expected]);
  });
  it('rejects unknown states of tensors', async () => {
    const plain = tensor(storage('FloatStorage', '0', 6), 1, [2], [1]);
    for (const value of [
      `${plain}${tuple(['N'])}b`,
      `ctorch\nFloatTensor\n)\x81${tuple(['N', 'N', 'N'])}b`,
      `ctorch\nFloatTensor\n)\x81${tuple(['N', 'N', 'N', 'N'])}b`,
      `ctorch.nn.parameter\nParameter\n${tuple(['N'])}R`,
    ]) {
      await writeTorchZip(path, pickleOf(dictionary({ t: value })), { 0: bytesOf(base) });
      expect(await rejection()).toMatch(/a tensor|a parameter/);
    }
  });
  it('rejects a tensor that reaches beyond its storage, or repeats it', async () => {
    const stored = storage('FloatStorage', '0', 6);
    for (const [offset, shape, strides] of [
      [0, [7], [1]],
      [1, [6], [1]],
      [0, [2, 3], [4, 1]],
      [0, [1_000_000, 1_000_000], [0, 0]],
      [0, [2], [1, 1]],
      [-1, [2], [1]],
      [0, [-2], [1]],
    ] as [number, number[], number[]][])
      await expect(load1(tensor(stored, offset, shape, strides))).rejects.toThrow(InputError);
  });
  it('rejects a storage whose size is not that of its bytes', async () => {
    await writeTorchZip(path, pickleOf(tensor(storage('FloatStorage', '0', 1_000_000_000), 0, [1], [1])), {
      0: bytesOf(base),
    });
    expect(await rejection()).toMatch(/24 bytes of the 1000000000 numbers of storage "0"/);
    await writeTorchZip(path, pickleOf(tensor(storage('FloatStorage', '1', 6), 0, [1], [1])));
    expect(await rejection()).toMatch(/none of the 6 numbers/);
  });
  it('reads parts of legacy storages', async () => {
    const part = tuple([text('view'), integer(2), integer(3)]);
    const object = pickleOf(tensor(storage('FloatStorage', '0', 6, part), 1, [2], [1]));
    await writeFile(path, legacyBytes(object, [{ key: '0', elements: 6, bytes: bytesOf(base) }]));
    expect(await load()).toEqual({ shape: [2], data: [3, 4] });
  });
});

describe('a file that could run a program', () => {
  const call = (name: string): string => `c${name}\n(${text('echo')}tR`;
  it('is rejected by name, in every format and form', async () => {
    const evil = pickleOf(dictionary({ G_A2B: call('posix\nsystem') }));
    await writeTorchZip(path, evil);
    expect(await rejection()).toMatch(/file\.pt but found posix\.system, .*nothing of it was run/);
    await writeFile(path, legacyBytes(evil, []));
    expect(await rejection()).toMatch(/found posix\.system/);
    await writeFile(path, evil, 'latin1');
    expect(await rejection()).toMatch(/found posix\.system/);
    await writeFile(path, "cos\nsystem\n(S'echo'\ntR.");
    expect(await rejection()).toMatch(/found os\.system/);
    await writeFile(path, '\x80\x02(ios\nsystem\n.', 'latin1');
    expect(await rejection()).toMatch(/found os\.system/);
    await writeFile(path, '\x80\x04\x8c\x02os\x8c\x06system\x93.', 'latin1');
    expect(await rejection()).toMatch(/found os\.system/);
  });
  it.each([
    'builtins\neval',
    'torch.storage\n_load_from_bytes',
    'torch\nload',
    'torch._utils\n_rebuild_tensor_v2.__globals__',
    'operator\nattrgetter',
    'numpy.testing._private.utils\nrunstring',
    'functools\nreduce',
    'subprocess\nPopen',
    'model\nGenerator.__init__',
  ])('%j is rejected', async (name) => {
    await writeTorchZip(path, pickleOf(`c${name}\n`));
    expect(await rejection()).toContain(name.replace('\n', '.'));
  });
  it.each([
    [
      'a method of a class',
      `cbuiltins\ngetattr\n${tuple(['cmodel\nTool\n', text('run')])}R(tR`,
      /model\.Tool\.run/,
    ],
    [
      'the machinery of a class',
      `cbuiltins\ngetattr\n${tuple(['cmodel\nTool\n', text('__globals__')])}R`,
      /model\.Tool\.__globals__/,
    ],
    ['a module', `cbuiltins\ngetattr\n${tuple([text('os'), text('system')])}R`, /builtins\.getattr\.system/],
    ["a function of the user's", `cmodel\nrun\n(tR`, /model\.run/],
    ["Python 2's way to make an object", '(ios\nPopen\n', /os\.Popen/],
  ])('cannot reach one by %s', async (_, value, name) => {
    await writeTorchZip(path, pickleOf(value));
    expect(await rejection()).toMatch(name);
  });
  it('cannot make a name of any length from lists that are named many times', async () => {
    const at = (index: number) => String.fromCharCode(index);
    const levels = Array.from({ length: 60 }, (_, i) => `0(h${at(i)}h${at(i)}lq${at(i + 1)}`);
    const nested = `${text('x')}q${at(0)}${levels.join('')}`;
    await writeTorchZip(
      path,
      pickleOf(`${nested}0cbuiltins\ngetattr\n${tuple(['cmodel\nTool\n', `h${at(60)}`])}R`),
    );
    expect(await rejection()).toMatch(/model\.Tool\.something that is no name/);
  });
  it('cannot set attributes or call anything', async () => {
    await writeTorchZip(path, pickleOf(`]${dictionary({ a: 'N' })}b`));
    expect(await rejection()).toMatch(/sets attributes/);
    await writeTorchZip(path, pickleOf(`${text('eval')}(tR`));
    expect(await rejection()).toMatch(/calls something that is no function/);
  });
});

describe('damaged files', () => {
  it('are recognised as files of another kind', async () => {
    const expectations: [string, RegExp][] = [
      ['', /an empty file/],
      ['just a text\n', /found a text/],
      ['<!DOCTYPE html><html>', /a web page/],
      ['version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
      ['\x89PNG\r\n\x1a\n\0\0', /a file of another kind/],
      ['\x80\x02}.', /torch\.save did not write/],
    ];
    for (const [content, message] of expectations) {
      await writeFile(path, content, 'latin1');
      expect(await rejection()).toMatch(message);
    }
    expect(await rejection(join(folder, 'none.pt'))).toMatch(/none\.pt but found nothing/);
    await mkdir(join(folder, 'folder.pt'), { recursive: true });
    expect(await rejection(join(folder, 'folder.pt'))).toMatch(/a folder/);
  });
  it('are recognised as archives that are no checkpoint', async () => {
    await writeZip(path, { 'a.txt': 'text' });
    expect(await rejection()).toMatch(/no data\.pkl/);
    await writeTorchZip(path, pickleOf('}'), {}, { 'archive/constants.pkl': 'x' });
    expect(await rejection()).toMatch(/TorchScript/);
    await writeTorchZip(path, pickleOf('}'), {}, { 'archive/byteorder': 'big' });
    expect(await rejection()).toMatch(/big-endian/);
    await writeTorchZip(path, pickleOf('}'), {}, { 'archive/byteorder': 'little'.padEnd(1000, ' ') });
    expect(await rejection()).toMatch(/big-endian/);
    await writeFile(path, legacyBytes(pickleOf('}'), [], { littleEndian: false }));
    expect(await rejection()).toMatch(/big-endian/);
    await writeFile(path, legacyBytes(pickleOf('}'), [], { version: '\x80\x02K\x01.' }));
    expect(await rejection()).toMatch(/version of the legacy format/);
  });
  it('are rejected if they have compressed entries', async () => {
    await writeTorchFile(path, VALUE);
    const bytes = await readFile(path);
    const entry = bytes.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    bytes.writeUInt16LE(8, entry + 10);
    await writeFile(path, bytes);
    expect(await rejection()).toMatch(/archive\/data\.pkl.*a compressed entry/);
  });
  it.each(['zip', 'legacy'])('are rejected for every truncation of a %s file', async (format) => {
    await (format === 'zip' ? writeTorchFile : writeLegacy)(path, VALUE);
    const bytes = await readFile(path);
    for (let length = 0; length < bytes.length; length += 31) {
      await writeFile(path, bytes.subarray(0, length));
      expect(await rejection()).toContain('file.pt');
    }
  });
  it('are noticed by a changed byte of a tensor or of the pickle', async () => {
    await writeTorchFile(path, VALUE);
    const bytes = await readFile(path);
    const data = bytes.indexOf(Buffer.from(bytesOf(numbers(1, 2, 3, 4, 5, 6))));
    const name = bytes.indexOf('scalar');
    for (const at of [data + 5, name]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      await writeFile(path, changed);
      expect(await rejection()).toMatch(/checksum of "archive\/data/);
    }
  });
  it('are noticed by a changed byte if a tensor is a part of its storage', async () => {
    const data = numbers(0, 1, 2, 3, 4, 5);
    await writeTorchZip(path, pickleOf(tensor(storage('FloatStorage', '0', 6), 2, [2], [1])), {
      0: bytesOf(data),
    });
    const bytes = await readFile(path);
    bytes[bytes.indexOf(Buffer.from(bytesOf(data))) + 22]! ^= 1;
    await writeFile(path, bytes);
    expect(await rejection()).toMatch(/checksum/);
  });
  it('cause an error about the file for any garbage', async () => {
    const rng = new Rng(1, 'garbage');
    await writeLegacy(path, VALUE);
    const bytes = await readFile(path);
    for (let round = 0; round < 300; round++) {
      const changed = Buffer.from(bytes);
      for (let i = 0; i < 1 + rng.integer(3); i++) changed[rng.integer(bytes.length)] = rng.integer(256);
      await writeFile(path, changed);
      const outcome = await load().catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome, outcome.stack).toBeInstanceOf(InputError);
    }
  });
  it('do not take more memory than the file has', async () => {
    // Lists in lists that double: a text of them would take all memory, and so would their elements one by one.
    const doubled = `]q\x00${Array.from({ length: 60 }, () => '(h\x00h\x00lq\x00').join('')}`;
    await writeTorchZip(path, pickleOf(doubled));
    const opened = await TorchFile.open(path);
    await opened.close();
    for (const name of [`${doubled}${text('x')}\x93`, `ctorch\ndevice\n${doubled}\x85R`]) {
      await writeTorchZip(path, pickleOf(name));
      const outcome = await TorchFile.open(path).then(
        (file) => file.close(),
        (error: unknown) => error,
      );
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(InputError);
    }
    // A call that copies its list, again and again.
    const pairs = `](${tuple(['N', 'N']).repeat(2000)}e`;
    const copies = `ccollections\nOrderedDict\nq\x00${pairs}\x85q\x01${'h\x00h\x01R'.repeat(2000)}`;
    await writeTorchZip(path, pickleOf(copies));
    expect(await rejection()).toMatch(/repeats its parts without limit/);
    await writeTorchZip(path, pickleOf(`\x8b${integer(2 ** 31 - 1).slice(1)}`));
    expect(await rejection()).toMatch(/an integer of 2147483647 bytes/);
  });
});
