// Inputs for fuzzing: mutations of seeds, and generators that know formats.
import fc from 'fast-check';

/** Numbers at the edges of the integer types of file formats. */
const EDGES = [0, 1, 2, 4, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000];
const EDGE_NUMBERS = [...EDGES, 0xfffffffe, 0xffffffff].map(BigInt);
const EDGE_NUMBERS_64 = [
  ...EDGE_NUMBERS,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** A change of bytes at a place between 0 (the start) and 1 (the end). */
type Edit = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number): number =>
  Math.min(bytes.length, Math.floor(where * (bytes.length + 1)));

function overwrite(bytes: Buffer, from: number, patch: Uint8Array): Buffer {
  const out = Buffer.from(bytes);
  out.set(patch.subarray(0, Math.max(0, out.length - from)), Math.min(from, out.length));
  return out;
}

function numberBytes(value: bigint, width: number, isLittle: boolean): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  const narrow = bytes.subarray(0, width);
  return isLittle ? narrow : Buffer.from(narrow).reverse();
}

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(place, fc.nat(255)).map(
      ([where, byte]): Edit =>
        (bytes) =>
          overwrite(bytes, at(bytes, where), Uint8Array.of(byte)),
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(place, fc.constantFrom(1, 2, 4, 8), fc.constantFrom(...EDGE_NUMBERS_64), fc.boolean())
      .map(
        ([where, width, value, isLittle]): Edit =>
          (bytes) =>
            overwrite(bytes, at(bytes, where), numberBytes(value, width, isLittle)),
      ),
  },
  {
    // Fields of formats stand at multiples of four more often than elsewhere.
    weight: 4,
    arbitrary: fc.tuple(place, fc.constantFrom(...EDGE_NUMBERS), fc.boolean()).map(
      ([where, value, isLittle]): Edit =>
        (bytes) =>
          overwrite(bytes, at(bytes, where) & ~3, numberBytes(value, 4, isLittle)),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(place, fc.uint8Array({ maxLength: 16 })).map(
      ([where, added]): Edit =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, at(bytes, where)), added, bytes.subarray(at(bytes, where))]),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(place, fc.nat(64)).map(
      ([where, count]): Edit =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, at(bytes, where)), bytes.subarray(at(bytes, where) + count)]),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(place, place, place).map(
      ([from, to, where]): Edit =>
        (bytes) => {
          const part = bytes.subarray(at(bytes, Math.min(from, to)), at(bytes, Math.max(from, to)));
          return Buffer.concat([bytes.subarray(0, at(bytes, where)), part, bytes.subarray(at(bytes, where))]);
        },
    ),
  },
  {
    weight: 1,
    arbitrary: place.map(
      (where): Edit =>
        (bytes) =>
          bytes.subarray(0, at(bytes, where)),
    ),
  },
);

/** Seeds with up to eight changes: numbers at the edges of their types, bytes that are added, dropped, repeated or cut off. */
export function mutations(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 8 }))
    .map(
      ([seed, edits]) =>
        new Uint8Array(edits.reduce<Buffer>((bytes, change) => change(bytes), Buffer.from(seed))),
    );
}

/** Texts that tell whether something trusts what it reads: nested too deep, very long, or with the name of an inherited property. */
const hostileJson: fc.Arbitrary<string> = fc.oneof(
  fc
    .constantFrom('[', '{"a":')
    .chain((opening) => fc.constantFrom(50, 5_000, 150_000).map((depth) => opening.repeat(depth))),
  fc.constantFrom(50, 5_000, 150_000).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
  fc.constantFrom(100, 10_000, 3_000_000).map((length) => `"${'a'.repeat(length)}`),
  fc.constantFrom(100, 10_000, 1_000_000).map((length) => `"${'a'.repeat(length)}"`),
  fc.constantFrom(
    '-0',
    '1e308',
    '1e999',
    '9007199254740992',
    '-1',
    '1.5',
    'null',
    'true',
    '"NaN"',
    '""',
    '[]',
    '{}',
  ),
  fc.constantFrom(
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '"\\ud800"',
    '"\\u0000"',
  ),
);

/** A JSON value as text, any part of which may be replaced by one that is hostile. */
function corruptedText(value: unknown): fc.Arbitrary<string> {
  if (typeof value !== 'object' || value === null)
    return fc.oneof(
      { weight: 15, arbitrary: fc.constant(JSON.stringify(value) ?? 'null') },
      { weight: 1, arbitrary: hostileJson },
    );
  const inner: fc.Arbitrary<string> = Array.isArray(value)
    ? fc.tuple(...value.map(corruptedText)).map((items) => `[${items.join()}]`)
    : fc
        .tuple(
          fc.tuple(...Object.values(value).map(corruptedText)),
          fc.option(
            fc.constantFrom('__proto__', 'constructor', 'toString', 'x', Object.keys(value)[0] ?? 'a'),
            { freq: 12 },
          ),
        )
        .map(([items, extra]) => {
          const entries = Object.keys(value).map((key, i) => `${JSON.stringify(key)}:${items[i]}`);
          return `{${[...entries, ...(extra === null ? [] : [`${JSON.stringify(extra)}:{"polluted":1}`])].join()}}`;
        });
  return fc.oneof({ weight: 15, arbitrary: inner }, { weight: 1, arbitrary: hostileJson });
}

/** JSON texts like `value`, with parts that are wrong, deep, long or named like inherited properties. */
export function jsonLike(value: unknown): fc.Arbitrary<Uint8Array> {
  return fc
    .oneof({ weight: 6, arbitrary: corruptedText(value) }, { weight: 1, arbitrary: hostileJson })
    .map((text) => Buffer.from(text));
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

function uint32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes.toString('latin1');
}

/** Names that pickles of checkpoints have, and some that they must not have. */
const PICKLE_NAMES = [
  ...[
    'collections\nOrderedDict',
    'collections\ndefaultdict',
    'collections\nCounter',
    'builtins\ndict',
    'builtins\nlist',
  ],
  ...[
    'builtins\ngetattr',
    'builtins\nbytes',
    '_codecs\nencode',
    'torch._utils\n_rebuild_tensor_v2',
    'torch\nFloatStorage',
  ],
  ...[
    'torch._utils\n_rebuild_parameter',
    'torch\nSize',
    'torch\ndevice',
    'numpy\ndtype',
    'numpy\nndarray',
    'argparse\nNamespace',
  ],
  ...[
    'numpy.core.multiarray\nscalar',
    'numpy.core.multiarray\n_reconstruct',
    'numpy.core.numeric\n_frombuffer',
  ],
  ...['copyreg\n_reconstructor', 'os\nsystem', 'builtins\neval', 'my.module\nMyClass', 'pathlib\nPosixPath'],
];

/** A value that leaves one entry on the stack. */
const pickleValue: fc.Arbitrary<string> = fc.oneof(
  fc.nat(255).map((value) => `K${String.fromCharCode(value)}`),
  fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)).map((value) => `J${uint32(value)}`),
  fc
    .string({ maxLength: 8 })
    .map((value) => `X${uint32(Buffer.byteLength(value))}${Buffer.from(value).toString('latin1')}`),
  fc.constantFrom('N', '\x88', '\x89', '}', ']', ')', 'G\x7f\xf0\0\0\0\0\0\0', '\x8a\x01\xff', 'Xlatin1'),
  fc.constantFrom(...PICKLE_NAMES).map((name) => `c${name}\n`),
  fc.nat(3).map((index) => `h${String.fromCharCode(index)}`),
);

const pickleStep: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: pickleValue },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      '(',
      't',
      'l',
      'd',
      'e',
      'u',
      'a',
      's',
      '0',
      '\x85',
      '\x86',
      '\x87',
      'R',
      '\x81',
      'b',
      'Q',
      '\x94',
      '\x90',
      '\x91',
      '2',
    ),
  },
  { weight: 2, arbitrary: fc.nat(3).map((index) => `q${String.fromCharCode(index)}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(pickleValue, { maxLength: 3 }), fc.constantFrom(10, 1000))
      .map(([values, times]) => values.join('').repeat(times)),
  },
);

/** A list that has the list before it twice, `depth` times over. */
function doubledList(depth: number): string {
  const at = (index: number): string => String.fromCharCode(index);
  const levels = Array.from({ length: depth }, (_, i) => `0(h${at(i)}h${at(i)}lq${at(i + 1)}`);
  return `K\x01q${at(0)}${levels.join('')}`;
}

/** Pairs with keys of their own. */
function distinctPairs(count: number): string {
  return Array.from({ length: count }, (_, i) => `M${String.fromCharCode(i & 255, i >> 8)}K\x02\x86`).join(
    '',
  );
}

/** Functions of the allow-list that make something of their arguments. */
const PICKLE_MAKERS = PICKLE_NAMES.filter((name) => !/system|eval|MyClass/.test(name));

/** A whole value with what it consists of, so that a program of several goes on to its end. */
const pickleWhole: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    pickleValue.filter((text) => !text.startsWith('h')),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `(${items.join('')}t`),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `](${items.join('')}e`),
    fc
      .array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 })
      .map((pairs) => `}(${pairs.flat().join('')}u`),
    fc
      .tuple(fc.constantFrom(...PICKLE_MAKERS), fc.array(tie('value'), { maxLength: 4 }))
      .map(([name, args]) => `c${name}\n(${args.join('')}tR`),
    // A list of two lists that are one, and so on: small here, and endless as a text.
    fc
      .tuple(fc.constantFrom(...PICKLE_MAKERS), fc.constantFrom(3, 40), fc.nat(2))
      .map(([name, depth, before]) => `c${name}\n(${'K\x01'.repeat(before)}${doubledList(depth)}tR`),
    // One list of pairs that many calls take.
    fc
      .tuple(fc.constantFrom(...PICKLE_MAKERS), fc.constantFrom(2, 200, 2000), fc.constantFrom(2, 200, 2000))
      .map(
        ([name, pairs, calls]) =>
          `](${distinctPairs(pairs)}e\x85q\x010c${name}\nq\x000(${'h\x00h\x01R'.repeat(calls)}l`,
      ),
  ),
})).value;

/** Programs of the pickle machine: some that mean something, and some that mean nothing. */
export const pickles: fc.Arbitrary<Uint8Array> = fc
  .oneof(
    {
      weight: 2,
      arbitrary: fc.array(pickleWhole, { minLength: 1, maxLength: 6 }).map((values) => values.join('0')),
    },
    { weight: 1, arbitrary: fc.array(pickleStep, { maxLength: 40 }).map((steps) => steps.join('')) },
  )
  .map((program) => new Uint8Array(latin1(`\x80\x02${program}.`)));

/** Messages of protocol buffers with any fields. */
export const protobufs: fc.Arbitrary<Uint8Array> = fc
  .letrec<{ message: Buffer }>((tie) => ({
    message: fc
      .array(
        fc.tuple(
          fc.integer({ min: 0, max: 25 }),
          fc.oneof(
            { depthSize: 'small' },
            fc.constantFrom(...EDGE_NUMBERS_64).map((value): [number, Buffer] => [0, varint(value)]),
            fc
              .uint8Array({ maxLength: 24 })
              .map((bytes): [number, Buffer] => [2, Buffer.concat([varint(BigInt(bytes.length)), bytes])]),
            fc
              .uint8Array({ minLength: 4, maxLength: 4 })
              .map((bytes): [number, Buffer] => [5, Buffer.from(bytes)]),
            fc.constantFrom(...EDGE_NUMBERS_64).map((length): [number, Buffer] => [2, varint(length)]),
            tie('message').map((inner): [number, Buffer] => [
              2,
              Buffer.concat([varint(BigInt(inner.length)), inner]),
            ]),
          ),
        ),
        { maxLength: 6 },
      )
      .map((fields) =>
        Buffer.concat(
          fields.map(([field, [wire, bytes]]) => Buffer.concat([varint(BigInt(8 * field + wire)), bytes])),
        ),
      ),
  }))
  .message.map((bytes) => new Uint8Array(bytes));

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A directory of EXIF or TIFF with any tags, counts and offsets, in either order of bytes. */
export const directories: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom(0, 4, 8, 12, 0xfffffff0),
    fc.option(fc.constantFrom(0, 1, 0xffff), { freq: 6 }),
    fc.array(
      fc.tuple(
        fc.constantFrom(
          0x0100,
          0x0101,
          0x0102,
          0x0103,
          0x0106,
          0x010e,
          0x0111,
          0x0112,
          0x0115,
          0x0117,
          0x011c,
          0x0142,
          0x0144,
          0x0153,
          0x8773,
        ),
        fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 12, 16),
        fc.constantFrom(0, 1, 2, 3, 4, 8, 64, 0xffff, 0x7fffffff, 0xffffffff),
        fc.constantFrom(0, 1, 2, 3, 8, 32, 0xffff, 0x7fffffff, 0xffffffff),
      ),
      { maxLength: 16 },
    ),
    fc.uint8Array({ maxLength: 64 }),
  )
  .map(([isLittle, offset, count, tags, rest]) => {
    const number = (value: number, width: number) => numberBytes(BigInt(value), width, isLittle);
    return new Uint8Array(
      Buffer.concat([
        latin1(isLittle ? 'II' : 'MM'),
        number(42, 2),
        number(offset === 8 || offset > 100 ? offset : 8, 4),
        number(count ?? tags.length, 2),
        ...tags.map(([tag, type, n, value]) =>
          Buffer.concat([number(tag, 2), number(type, 2), number(n, 4), number(value, 4)]),
        ),
        number(0, 4),
        rest,
      ]),
    );
  });
