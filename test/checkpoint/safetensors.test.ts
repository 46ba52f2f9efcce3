import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { float16ToFloat32, float32ToFloat16 } from '../../src/base/half-floats.js';
import { Rng } from '../../src/base/rng.js';
import {
  readSafetensors,
  readSafetensorsHeader,
  type TensorToStore,
  writeSafetensors,
} from '../../src/checkpoint/safetensors.js';

const REFERENCE = process.env.GNR_REFERENCE_DIR ?? 'test/fixtures/reference';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-safetensors-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A file made by hand: header text (or object) and data bytes. */
async function craft(header: unknown, data: Uint8Array, name = 'crafted.safetensors'): Promise<string> {
  const json =
    header instanceof Uint8Array
      ? header
      : Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  const path = join(folder, name);
  await writeFile(path, Buffer.concat([length, json, data]));
  return path;
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

async function rejectionMessage(promise: Promise<unknown>): Promise<InputError> {
  const error = await promise.then(
    () => new Error('was accepted'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

const small = (): Map<string, TensorToStore> =>
  new Map<string, TensorToStore>([
    ['b', { shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, Number.NaN, Number.POSITIVE_INFINITY) }],
    ['a/é', { shape: [], data: Float32Array.of(0.1) }],
    ['integers', { shape: [3], data: Int32Array.of(-2147483648, 0, 2147483647) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
    ['wide', { shape: [2], data: Int32Array.of(-5, 7), dtype: 'I64' }],
    ['half', { shape: [3], data: Float32Array.of(1, -0.5, 65504), dtype: 'F16' }],
    ['double', { shape: [1], data: Float64Array.of(Math.PI) }],
  ]);

describe('files of the reference library', () => {
  it.each(['metrics', 'training-main', 'training-train'])(
    'writes %s byte for byte as it was read',
    async (name) => {
      const source = join(REFERENCE, `${name}.safetensors`);
      const { tensors, metadata } = await readSafetensors(source);
      expect(tensors.size).toBeGreaterThan(10);
      const copy = join(folder, 'copy.safetensors');
      await writeSafetensors(copy, tensors as Map<string, TensorToStore>, metadata);
      const hash = async (path: string) =>
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex');
      expect(await hash(copy)).toBe(await hash(source));
    },
  );

  it('reads images in [-1, 1] and a permutation, and nothing that was not asked for', async () => {
    const path = join(REFERENCE, 'training-main.safetensors');
    const { tensors } = await readSafetensors(path, { names: ['step0/mix_A2B', 'step0/A'] });
    expect([...tensors.keys()].sort()).toEqual(['step0/A', 'step0/mix_A2B']);
    const image = tensors.get('step0/A')!;
    expect(image.dtype).toBe('F32');
    expect(image.data).toHaveLength(image.shape.reduce((a, b) => a * b, 1));
    expect(image.data.every((value) => value >= -1 && value <= 1)).toBe(true);
    expect(Math.max(...image.data) - Math.min(...image.data)).toBeGreaterThan(0.5);
    const permutation = tensors.get('step0/mix_A2B')!;
    expect(permutation.dtype).toBe('I32');
    expect([...permutation.data].sort()).toEqual([...permutation.data.keys()]);
  });
});

describe('writeSafetensors', () => {
  it('round-trips every type, with metadata', async () => {
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, small(), { b: 'zwei', a: '"eins"\n' });
    const { tensors, metadata } = await readSafetensors(path);
    expect(metadata).toEqual({ a: '"eins"\n', b: 'zwei' });
    expect(tensors.size).toBe(small().size);
    for (const [name, { shape, data }] of small()) {
      expect(tensors.get(name)!.shape).toEqual(shape);
      expect(tensors.get(name)!.data).toEqual(data);
    }
    expect(tensors.get('half')!.dtype).toBe('F16');
    expect(tensors.get('wide')!.dtype).toBe('I64');
  });

  it('writes the same bytes for every order of the map, aligned and sorted', async () => {
    const [first, second] = [join(folder, '1'), join(folder, '2')];
    await writeSafetensors(first, small(), { x: '1', y: '2' });
    await writeSafetensors(second, new Map([...small()].reverse()), { y: '2', x: '1' });
    expect(await readFile(first)).toEqual(await readFile(second));
    const { entries, dataStartBytes } = await readSafetensorsHeader(first);
    expect(dataStartBytes % 8).toBe(0);
    expect([...entries.keys()]).toEqual(['wide', 'double', 'a/é', 'b', 'empty', 'integers', 'half']);
  });

  it('writes and reads tensors larger than one chunk, and views into larger arrays', async () => {
    const path = join(folder, 'large');
    const whole = Float32Array.from({ length: 5_000_001 }, (_, i) => (i % 2048) / 2048);
    const view = whole.subarray(1);
    const integers = Int32Array.from({ length: 2_500_000 }, (_, i) => i * 800 - 1_000_000_000);
    await writeSafetensors(
      path,
      new Map<string, TensorToStore>([
        ['f32', { shape: [1000, 5000], data: view }],
        ['f16', { shape: [5_000_000], data: view, dtype: 'F16' }],
        ['i64', { shape: [2_500_000], data: integers, dtype: 'I64' }],
      ]),
    );
    const { tensors } = await readSafetensors(path);
    expect(Buffer.compare(bytesOf(tensors.get('f32')!.data), bytesOf(view))).toBe(0);
    // Every value is a multiple of 1/2048 below 1, which float16 holds exactly.
    expect(Buffer.compare(bytesOf(tensors.get('f16')!.data), bytesOf(view))).toBe(0);
    expect(Buffer.compare(bytesOf(tensors.get('i64')!.data), bytesOf(integers))).toBe(0);
  });

  describe('writing a stream', () => {
    const tensors = new Map(
      ['a', 'b', 'c'].map((name) => [name, { shape: [2], dtype: 'F32' as const }] as const),
    );
    const vector = (value: number) => Float32Array.of(value, -value);
    const stored = (data: readonly (readonly [string, Float32Array])[]) =>
      new Map(data.map(([name, values]) => [name, { shape: [2], data: values }]));

    it('asks for a tensor when the one before is written, and writes the same bytes in any order', async () => {
      const path = join(folder, 'x');
      const sizes: number[] = [];
      const data = function* (): Generator<[string, Float32Array]> {
        for (const [i, name] of ['b', 'c', 'a'].entries()) {
          const temporary = readdirSync(folder).find((entry) => entry.startsWith('.gnr-tmp-'))!;
          sizes.push(statSync(join(folder, temporary)).size);
          yield [name, vector(i)];
        }
      };
      await writeSafetensors(path, { tensors, data: data() });
      const expected = join(folder, 'expected');
      const order = [2, 0, 1].map((i, k) => ['abc'[k]!, vector(i)] as const);
      await writeSafetensors(expected, stored(order));
      expect(await readFile(path)).toEqual(await readFile(expected));
      const { dataStartBytes } = await readSafetensorsHeader(path);
      expect(sizes).toEqual([dataStartBytes, dataStartBytes + 16, dataStartBytes + 24]);
    });

    it.each<[string, (readonly [string, Float32Array])[], RegExp]>([
      ['lacks a tensor', [['a', vector(1)]], /b did not come/],
      [
        'brings one twice',
        [
          ['a', vector(1)],
          ['a', vector(1)],
        ],
        /a was not announced, or came before/,
      ],
      ['brings another', [['d', vector(1)]], /d was not announced/],
      ['brings another size', [['a', new Float32Array(3)]], /a of shape \[2\] cannot have 3/],
    ])('that %s is rejected and leaves no file', async (_, data, message) => {
      await expect(writeSafetensors(join(folder, 'x'), { tensors, data })).rejects.toThrow(message);
      expect(await readdir(folder)).toEqual([]);
    });

    it('passes on an error of the stream, and keeps the file of that name', async () => {
      const path = join(folder, 'x');
      await writeSafetensors(path, stored([['a', vector(1)]]));
      const before = await readFile(path);
      const data = function* (): Generator<[string, Float32Array]> {
        yield ['a', vector(2)];
        throw new Error('the well is dry');
      };
      await expect(writeSafetensors(path, { tensors, data: data() })).rejects.toThrow('the well is dry');
      expect(await readFile(path)).toEqual(before);
      expect(await readdir(folder)).toEqual(['x']);
    });
  });

  it.each([
    ['a shape of another size', { shape: [2, 2], data: new Float32Array(3) }, RangeError],
    ['halves of integers', { shape: [1], data: new Int32Array(1), dtype: 'F16' as const }, TypeError],
  ])('rejects %s and leaves no file', async (_, tensor, type) => {
    await expect(writeSafetensors(join(folder, 'x'), new Map([['t', tensor]]))).rejects.toThrow(type);
    await expect(
      writeSafetensors(
        join(folder, 'x'),
        new Map([['__metadata__', { shape: [], data: new Float32Array(1) }]]),
      ),
    ).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('readSafetensors', () => {
  it('widens F16, BF16 and small integers', async () => {
    const header = {
      f16: { dtype: 'F16', shape: [4], data_offsets: [0, 8] },
      bf16: { dtype: 'BF16', shape: [2], data_offsets: [8, 12] },
      u8: { dtype: 'U8', shape: [2], data_offsets: [12, 14] },
      i8: { dtype: 'I8', shape: [2], data_offsets: [14, 16] },
      bool: { dtype: 'BOOL', shape: [2], data_offsets: [16, 18] },
      i16: { dtype: 'I16', shape: [1], data_offsets: [18, 20] },
    };
    const data = Buffer.from('003c00c0ff7b0100' + '803f48c0' + 'ff01' + 'ff01' + '0001' + '00ff', 'hex');
    const { tensors } = await readSafetensors(await craft(header, data));
    const plain = Object.fromEntries([...tensors].map(([name, tensor]) => [name, [...tensor.data]]));
    expect(plain).toEqual({
      f16: [1, -2, 65504, 2 ** -24],
      bf16: [1, -3.125],
      u8: [255, 1],
      i8: [-1, 1],
      bool: [0, 1],
      i16: [-256],
    });
  });

  it('reads only the tensors that were asked for, even among types it cannot read', async () => {
    const header = {
      odd: { dtype: 'U64', shape: [1], data_offsets: [0, 8] },
      fine: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
    };
    const path = await craft(header, Buffer.concat([Buffer.alloc(8), bytesOf(Float32Array.of(4))]));
    expect([...(await readSafetensors(path, { names: ['fine'] })).tensors.keys()]).toEqual(['fine']);
    expect((await rejectionMessage(readSafetensors(path))).message).toMatch(/"odd".*U64.*convert it to F32/);
    const missing = await rejectionMessage(readSafetensors(path, { names: ['gone'] }));
    expect(missing.message).toContain(`"gone" in ${path}`);
  });

  it('rejects 64-bit integers that do not fit', async () => {
    const header = { n: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } };
    const path = await craft(header, bytesOf(BigInt64Array.of(2n ** 31n)));
    expect((await rejectionMessage(readSafetensors(path))).message).toContain('the integer 2147483648');
  });

  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: 'F32', shape, data_offsets: offsets });
  it.each<[string, unknown, number, RegExp]>([
    ['no JSON', '{"a":', 0, /no JSON/],
    ['a list', '[]', 0, /no JSON object/],
    ['bytes that are no UTF-8', Buffer.from('7b22ff223a317d', 'hex'), 0, /not valid for encoding utf-8/],
    ['an unknown type', { a: { dtype: 'F31', shape: [1], data_offsets: [0, 4] } }, 4, /unknown dtype "F31"/],
    ['a type from the prototype', { a: { dtype: 'toString', shape: [], data_offsets: [0, 0] } }, 0, /dtype/],
    ['a negative size', { a: f32([-1], [0, 4]) }, 4, /no list of sizes/],
    ['a broken size', { a: f32([1.5], [0, 6]) }, 6, /no list of sizes/],
    ['sizes past counting', { a: f32([2 ** 40, 2 ** 40], [0, 8]) }, 8, /countable/],
    ['offsets that go backwards', { a: f32([1], [4, 0]) }, 4, /bytes instead of 4/],
    ['one offset', { a: f32([1], [0]) }, 4, /two byte counts/],
    ['fewer bytes than the shape needs', { a: f32([2], [0, 4]) }, 4, /4 bytes instead of 8/],
    ['a gap', { a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12, /"b" that leaves a gap/],
    ['a gap at the start', { a: f32([1], [4, 8]) }, 8, /"a" that leaves a gap/],
    ['an overlap', { a: f32([2], [0, 8]), b: f32([1], [4, 8]) }, 8, /"b" that overlaps/],
    ['truncated data', { a: f32([4], [0, 16]) }, 15, /truncated/],
    ['bytes behind the end', { a: f32([1], [0, 4]) }, 5, /after its end/],
    ['metadata that is no map of texts', { __metadata__: { a: 1 } }, 0, /__metadata__/],
    ['a tensor that is a number', { a: 5 }, 0, /without dtype/],
  ])('rejects %s and names the file', async (_, header, dataBytes, message) => {
    const path = await craft(header, Buffer.alloc(dataBytes));
    const error = await rejectionMessage(readSafetensorsHeader(path));
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    await rejectionMessage(readSafetensors(path));
  });

  it('rejects lengths beyond the file without claiming memory for them', async () => {
    for (const length of [2n ** 64n - 1n, 2n ** 40n, 99_000_000n]) {
      const bytes = Buffer.alloc(64);
      bytes.writeBigUInt64LE(length);
      await writeFile(join(folder, 'x'), bytes);
      expect((await rejectionMessage(readSafetensors(join(folder, 'x')))).message).toContain(
        `a header of ${Number(length)} bytes`,
      );
    }
    // A header over the limit in a (sparse) file that is large enough.
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(100_000_001n);
    await writeFile(join(folder, 'x'), bytes);
    await truncate(join(folder, 'x'), 200_000_000);
    await rejectionMessage(readSafetensors(join(folder, 'x')));
  });

  it('rejects a tensor that no array can hold', async () => {
    const size = 2 ** 40;
    const path = await craft({ a: f32([size / 4], [0, size]) }, Buffer.alloc(0));
    const header = (await readFile(path)).byteLength;
    await truncate(path, header + size);
    expect((await rejectionMessage(readSafetensors(path))).message).toContain('"a"');
  });

  it('names a folder or nothing in place of a file', async () => {
    expect((await rejectionMessage(readSafetensors(join(folder, 'gone')))).message).toMatch(
      /gone but found nothing/,
    );
    await mkdir(join(folder, 'dir'));
    expect((await rejectionMessage(readSafetensors(join(folder, 'dir')))).message).toMatch(/found a folder/);
    await writeFile(join(folder, 'tiny'), 'abc');
    expect((await rejectionMessage(readSafetensors(join(folder, 'tiny')))).message).toMatch(/3 bytes/);
  });

  it('answers any damage to the header with an InputError or a whole file', async () => {
    const rng = new Rng(5, 'fuzz');
    const path = join(folder, 'fuzz');
    await writeSafetensors(path, small(), { note: 'x' });
    const original = await readFile(path);
    const headerBytes = (await readSafetensorsHeader(path)).dataStartBytes;
    let rejected = 0;
    for (let round = 0; round < 800; round++) {
      let bytes = Buffer.from(original);
      for (let flips = 1 + rng.integer(3); flips > 0; flips--) {
        bytes[rng.integer(headerBytes)]! ^= 1 << rng.integer(8);
      }
      if (round % 5 === 0) bytes = bytes.subarray(0, rng.integer(bytes.length));
      await writeFile(path, bytes);
      try {
        const { tensors } = await readSafetensors(path);
        for (const { data } of tensors.values()) expect(data.byteLength).toBeLessThan(1000);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        rejected++;
      }
    }
    // Flips in names and metadata leave a valid file.
    expect(rejected).toBeGreaterThan(480);
    expect(rejected).toBeLessThan(800);
  });
});

describe('float16', () => {
  it('comes back as it was for every bit pattern that is a number', () => {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
    const values = new Float32Array(bits.length);
    float16ToFloat32(bits, values);
    const back = new Uint16Array(bits.length);
    float32ToFloat16(values, back);
    const wrong = bits.filter((pattern, i) =>
      Number.isNaN(values[i]) ? (back[i]! & 0x7fff) <= 0x7c00 : back[i] !== pattern,
    );
    expect([...wrong]).toEqual([]);
  });

  it('rounds to the nearest, ties to even, and overflows to infinity', () => {
    const cases: [number, number][] = [
      [1 + 2 ** -11, 1],
      [1 + 3 * 2 ** -11, 1 + 2 ** -9],
      [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
      [65519, 65504],
      [65520, Number.POSITIVE_INFINITY],
      [-1e30, Number.NEGATIVE_INFINITY],
      [2 ** -25, 0],
      [2 ** -25 * 1.001, 2 ** -24],
      [2 ** -14 * (1 - 2 ** -11), 2 ** -14],
      [1e-40, 0],
    ];
    const bits = new Uint16Array(cases.length);
    float32ToFloat16(
      Float32Array.from(cases, ([value]) => value),
      bits,
    );
    const back = new Float32Array(cases.length);
    float16ToFloat32(bits, back);
    expect([...back]).toEqual(cases.map(([, rounded]) => rounded));
  });
});
