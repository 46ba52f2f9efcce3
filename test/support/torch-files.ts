// Writes PyTorch files that our own writer never writes.
import { open, writeFile } from 'node:fs/promises';
import { pickle } from '../../src/checkpoint/torch-file/pickler.js';
import type { PythonValue } from '../../src/checkpoint/torch-file/python-values.js';
import { ZipWriter } from '../../src/checkpoint/torch-file/zip-writer.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Writes a zip archive of records. */
export async function writeZip(path: string, records: Record<string, Uint8Array | string>): Promise<void> {
  const handle = await open(path, 'w');
  try {
    const zip = new ZipWriter(handle);
    for (const [name, data] of Object.entries(records))
      await zip.add(name, typeof data === 'string' ? latin1(data) : data);
    await zip.finish();
  } finally {
    await handle.close();
  }
}

/** Writes a file of torch.save with the given pickle, storages and further records. */
export function writeTorchZip(
  path: string,
  dataPickle: string | Uint8Array,
  storages: Record<string, Uint8Array> = {},
  records: Record<string, string> = {},
): Promise<void> {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  return writeZip(path, { 'archive/data.pkl': dataPickle, ...Object.fromEntries(data), ...records });
}

/** A number as four little-endian bytes. */
function uint32(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('latin1');
}

/** Opcodes of a pickle of protocol 2, for tensors that our own writer never makes. */
export const text = (value: string): string => `X${uint32(value.length)}${value}`;
export const integer = (value: number): string => `J${uint32(value >>> 0)}`;
export const tuple = (values: readonly string[]): string => `(${values.join('')}t`;
export const integers = (values: readonly number[]): string => tuple(values.map(integer));
export const storage = (type: string, key: string, elements: number, part = ''): string =>
  `${tuple([text('storage'), `ctorch\n${type}\n`, text(key), text('cpu'), integer(elements), part])}Q`;
export const tensor = (
  stored: string,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): string =>
  `ctorch._utils\n_rebuild_tensor_v2\n${tuple([stored, integer(offset), integers(shape), integers(strides), '\x89', '}'])}R`;
export const dictionary = (entries: Record<string, string>): string =>
  `}(${Object.entries(entries)
    .map(([key, value]) => text(key) + value)
    .join('')}u`;
export const pickleOf = (value: string): string => `\x80\x02${value}.`;

const LEGACY_MAGIC = '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.';
const LEGACY_VERSION = '\x80\x02M\xe9\x03.';

/** The bytes of a legacy file: pickles, then the storages in the order of `storages`. */
export function legacyBytes(
  object: string | Uint8Array,
  storages: readonly { key: string; elements: number; bytes: Uint8Array }[],
  { littleEndian = true, version = LEGACY_VERSION } = {},
): Buffer {
  const system = pickleOf(dictionary({ little_endian: littleEndian ? '\x88' : '\x89' }));
  const keys = pickleOf(`](${storages.map(({ key }) => text(key)).join('')}e`);
  const numbers = storages.map(({ elements, bytes }) => {
    const count = Buffer.alloc(8);
    count.writeBigInt64LE(BigInt(elements));
    return Buffer.concat([count, bytes]);
  });
  const pickled = typeof object === 'string' ? latin1(object) : object;
  return Buffer.concat([...[LEGACY_MAGIC, version, system].map(latin1), pickled, latin1(keys), ...numbers]);
}

/** Writes a value in the format of PyTorch before 1.6. */
export async function writeLegacy(path: string, value: PythonValue): Promise<void> {
  const { bytes, tensors } = pickle(value);
  const storages = await Promise.all(
    tensors.map(async ({ data }, i) => {
      const numbers = await data();
      const raw = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
      return { key: String(i), elements: numbers.length, bytes: raw };
    }),
  );
  await writeFile(path, legacyBytes(bytes, storages));
}
