// The header of a safetensors file: checking and building it. Free of Node, for the browser too.
import { InputError, messageOf } from '../base/errors.js';
import { describeValue } from '../base/visible-text.js';

/** Bits per element of every type of the format, in the order in which the reference library ranks the types. */
const BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type SafetensorsDtype = keyof typeof BITS;

const RANK = new Map(Object.keys(BITS).map((dtype, rank) => [dtype, rank]));

export type TensorData = Float32Array | Float64Array | Int32Array;

/** A tensor read from a file; `data` is row-major. */
export interface StoredTensor {
  dtype: SafetensorsDtype;
  shape: number[];
  data: TensorData;
}

/** A tensor to write. `dtype` may be F16 for a Float32Array and I64 for an Int32Array. Default: the type of `data`. */
export interface TensorToStore {
  shape: readonly number[];
  data: TensorData;
  dtype?: 'F16' | 'F32' | 'F64' | 'I32' | 'I64';
}

/** One tensor as the header describes it; bytes count from the start of the data, which follows the header. */
export interface SafetensorsEntry {
  name: string;
  dtype: SafetensorsDtype;
  shape: number[];
  beginBytes: number;
  endBytes: number;
}

export interface SafetensorsHeader {
  entries: Map<string, SafetensorsEntry>;
  metadata: Record<string, string>;
  /** The position of the tensors' bytes in the file. */
  dataStartBytes: number;
}

/** The reference library's limit: it keeps a hostile length from claiming memory. */
export const HEADER_LIMIT_BYTES = 100_000_000;
export const LENGTH_BYTES = 8;

/** The error for a file that breaks the format. */
export function brokenFile(path: string, found: string, cause?: unknown): InputError {
  return new InputError(
    {
      expected: `a whole safetensors file at ${path}`,
      found,
      remedy: 'copy or export the file again, or use another one',
    },
    { cause },
  );
}

/** Bytes of a tensor; undefined if they are not a whole number or too many to count exactly. */
export function tensorBytes(dtype: SafetensorsDtype, shape: readonly number[]): number | undefined {
  let elements = 1;
  // Zeros first: a zero among huge sizes is still an empty tensor.
  for (const size of [...shape].sort((a, b) => a - b)) elements *= size;
  const bytes = (elements * BITS[dtype]) / 8;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseEntry(path: string, name: string, value: unknown): SafetensorsEntry {
  const label = `tensor ${JSON.stringify(name.slice(0, 200))}`;
  if (!isRecord(value)) throw brokenFile(path, `${label} without dtype, shape and data_offsets`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !RANK.has(dtype)) {
    throw brokenFile(path, `${label} of unknown dtype ${describeValue(dtype, 50)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw brokenFile(path, `${label} whose shape is no list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw brokenFile(path, `${label} whose data_offsets are not two byte counts`);
  }
  const [beginBytes, endBytes] = offsets as [number, number];
  const expected = tensorBytes(dtype as SafetensorsDtype, shape);
  if (expected === undefined || endBytes - beginBytes !== expected) {
    throw brokenFile(
      path,
      `${label} of shape [${shape.slice(0, 16)}] and dtype ${dtype} with ${endBytes - beginBytes} bytes instead of ${expected ?? 'a countable number'}`,
    );
  }
  return { name, dtype: dtype as SafetensorsDtype, shape, beginBytes, endBytes };
}

/** Checks that the tensors follow each other from byte 0 without gap or overlap: no byte is read twice or hidden. */
function checkLayout(path: string, entries: Iterable<SafetensorsEntry>): number {
  const inOrder = [...entries].sort((a, b) => a.beginBytes - b.beginBytes || a.endBytes - b.endBytes);
  let end = 0;
  for (const { name, beginBytes, endBytes } of inOrder) {
    if (beginBytes !== end) {
      const what = beginBytes < end ? 'overlaps the one before' : 'leaves a gap before it';
      throw brokenFile(path, `tensor ${JSON.stringify(name.slice(0, 200))} that ${what}`);
    }
    end = endBytes;
  }
  return end;
}

function parseMetadata(path: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw brokenFile(path, 'a __metadata__ that is no map of texts');
  }
  return value as Record<string, string>;
}

/**
 * Reads and checks the header of a safetensors file.
 * @param json the header's bytes, without their length in front. @param fileBytes the size of the whole file.
 * @throws InputError that names `path` and what is wrong.
 */
export function parseHeader(path: string, json: Uint8Array, fileBytes: number): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json));
  } catch (error) {
    throw brokenFile(path, `a header that is no JSON (${messageOf(error).slice(0, 100)})`, error);
  }
  if (!isRecord(parsed)) throw brokenFile(path, 'a header that is no JSON object');
  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') metadata = parseMetadata(path, value);
    else entries.set(name, parseEntry(path, name, value));
  }
  const dataStartBytes = LENGTH_BYTES + json.byteLength;
  const expectedBytes = dataStartBytes + checkLayout(path, entries.values());
  if (expectedBytes !== fileBytes) {
    const what = fileBytes < expectedBytes ? 'a truncated one' : 'one with bytes after its end';
    throw brokenFile(path, `${what} (${fileBytes} bytes instead of ${expectedBytes})`);
  }
  return { entries, metadata, dataStartBytes };
}

/** The order of two texts by their UTF-8 bytes. */
function compareBytes(a: string, b: string): number {
  const [bytesA, bytesB] = [a, b].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
  const at = bytesA.findIndex((byte, i) => byte !== bytesB[i]);
  return at < 0 || at >= bytesB.length ? bytesA.length - bytesB.length : bytesA[at]! - bytesB[at]!;
}

/**
 * Lays tensors out as the reference library does (larger element types first, so that every tensor is aligned, then by
 * name in byte order) and builds the header: the same tensors always give the same bytes.
 * @returns the entries in file order, and the header with its length in front, padded to 8 bytes with spaces.
 */
export function buildHeader(
  tensors: ReadonlyMap<string, { dtype: SafetensorsDtype; shape: readonly number[] }>,
  metadata: Readonly<Record<string, string>>,
): { entries: SafetensorsEntry[]; bytes: Uint8Array } {
  const inOrder = [...tensors].sort(
    ([nameA, a], [nameB, b]) => RANK.get(b.dtype)! - RANK.get(a.dtype)! || compareBytes(nameA, nameB),
  );
  const members: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    const pairs = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`);
    members.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  const entries: SafetensorsEntry[] = [];
  let beginBytes = 0;
  for (const [name, { dtype, shape }] of inOrder) {
    const endBytes = beginBytes + (tensorBytes(dtype, shape) ?? Number.NaN);
    entries.push({ name, dtype, shape: [...shape], beginBytes, endBytes });
    const value = { dtype, shape, data_offsets: [beginBytes, endBytes] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
    beginBytes = endBytes;
  }
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const paddedBytes = Math.ceil(json.byteLength / LENGTH_BYTES) * LENGTH_BYTES;
  const bytes = new Uint8Array(LENGTH_BYTES + paddedBytes).fill(' '.charCodeAt(0));
  new DataView(bytes.buffer).setBigUint64(0, BigInt(paddedBytes), true);
  bytes.set(json, LENGTH_BYTES);
  return { entries, bytes };
}
