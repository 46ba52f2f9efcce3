// Loads models in browsers: web bundles, or folders of config.json and model.safetensors.
import { z } from 'zod';
import { InputError, messageOf } from '../base/errors.js';
import { bfloat16ToFloat32, float16ToFloat32 } from '../base/half-floats.js';
import { formatIssues } from '../base/parse-or-throw.js';
import { fromTensors, type NetworkSpecs } from '../checkpoint/network-tensors.js';
import {
  brokenFile,
  HEADER_LIMIT_BYTES,
  LENGTH_BYTES,
  parseHeader,
  type SafetensorsDtype,
  type StoredTensor,
} from '../checkpoint/safetensors-header.js';
import { configShape, type ModelConfig } from '../config/schema.js';
import { generatorSpecs } from '../model/networks.js';
import type { NetworkValues } from '../model/parameters.js';
import type { ModelFiles } from './model-files.js';
import { BUNDLE_FILE, parseWebBundle, SHARD_LIMIT_BYTES } from './web-bundle-manifest.js';

const CONFIG_FILE = 'config.json';
const WEIGHTS_FILE = 'model.safetensors';
const JSON_LIMIT_BYTES = 32 * 1024 * 1024;

/** A model for `EagerTranslator`, read in a browser. */
export interface WebModel {
  architecture: ModelConfig;
  /** EMA weights of G_A2B and G_B2A. */
  values: NetworkValues;
  /** Number of parameters of both networks. */
  parameters: number;
  /** Size of the weight files, bytes. */
  bytes: number;
}

export interface LoadWebModelOptions {
  onProgress?: ((doneBytes: number, totalBytes: number | undefined) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Returns the size of a response by its header; undefined without one, or if it is compressed. */
function declaredBytes({ headers }: Response): number | undefined {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? undefined : Number(length);
}

/**
 * Reads a whole file.
 *
 * @param bytes expected size if known; then `limit` is the same.
 * @throws InputError if the size differs, before memory is allocated if the response declares its size.
 */
async function readAll(
  name: string,
  response: Response,
  { bytes, onBytes, limit }: { bytes?: number; onBytes?: (more: number) => void; limit: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const wrong = (found: string) => brokenModelFile(name, found);
  const declared = declaredBytes(response);
  if (declared !== undefined && declared > limit) throw wrong(`more than ${limit} bytes`);
  if (declared !== undefined && bytes !== undefined && declared < bytes)
    throw wrong(`${declared} bytes instead of ${bytes}`);
  // Allocates one buffer only if the sender declares the same size, because a manifest alone can claim any.
  const known = bytes !== undefined && declared === bytes ? new Uint8Array(bytes) : undefined;
  const chunks: Uint8Array[] = [];
  let done = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    const end = done + next.value.byteLength;
    if (end > limit) {
      await reader?.cancel();
      throw wrong(`more than ${limit} bytes`);
    }
    if (known === undefined) chunks.push(next.value);
    else known.set(next.value, done);
    done = end;
    onBytes?.(next.value.byteLength);
  }
  if (bytes !== undefined && done < bytes) throw wrong(`${done} bytes instead of ${bytes}`);
  if (known !== undefined) return known;
  const joined = new Uint8Array(done);
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return joined;
}

function brokenModelFile(name: string, found: string): InputError {
  return new InputError({ expected: `the whole file ${name}`, found, remedy: 'copy the model again' });
}

async function readJson(name: string, response: Response): Promise<unknown> {
  const bytes = await readAll(name, response, { limit: JSON_LIMIT_BYTES });
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw brokenModelFile(name, `no JSON (${messageOf(error).slice(0, 100)})`);
  }
}

/** Returns the tensors that the architecture needs. @throws InputError if it describes no network. */
function specsOf(architecture: ModelConfig): NetworkSpecs {
  try {
    return generatorSpecs(architecture);
  } catch (error) {
    throw new InputError(
      {
        expected: 'a model section that makes a network',
        found: messageOf(error),
        remedy: 'export the model again',
      },
      { cause: error },
    );
  }
}

/** Returns the names of the tensors to read; others of a file cost no memory. */
function namesOf(specs: NetworkSpecs): ReadonlySet<string> {
  const names = Object.entries(specs).map(([network, tree]) =>
    Object.keys(tree).map((path) => `${network}/${path}`),
  );
  return new Set(names.flat());
}

async function assertHash(file: string, bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<void> {
  // Only secure contexts have crypto.subtle: https, and http on localhost.
  if (globalThis.crypto?.subtle === undefined) return;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const found = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) throw brokenModelFile(file, `other bytes (SHA-256 ${found} instead of ${sha256})`);
}

/** Copies little-endian numbers at any offset to float32. */
function decode(bytes: Uint8Array, dtype: 'float32' | 'float16' | 'bfloat16'): Float32Array {
  const { buffer } = bytes.slice();
  if (dtype === 'float32') return new Float32Array(buffer);
  const bits = new Uint16Array(buffer);
  const values = new Float32Array(bits.length);
  if (dtype === 'float16') float16ToFloat32(bits, values);
  else bfloat16ToFloat32(bits, values);
  return values;
}

async function loadBundle(
  files: ModelFiles,
  response: Response,
  { onProgress = () => undefined, signal }: LoadWebModelOptions,
): Promise<WebModel> {
  const bundle = parseWebBundle(await readJson(BUNDLE_FILE, response));
  const { architecture } = bundle;
  const specs = specsOf(architecture);
  const names = namesOf(specs);
  const wanted = bundle.tensors.filter(({ name }) => names.has(name));
  const shards = [...bundle.shards.entries()].filter(([i]) => wanted.some(({ shard }) => shard === i));
  const totalBytes = shards.reduce((total, [, { bytes }]) => total + bytes, 0);
  let doneBytes = 0;
  const tensors = new Map<string, StoredTensor>();
  for (const [index, { file, bytes, sha256 }] of shards) {
    const shard = await files.open(file, signal);
    if (shard === undefined) throw brokenModelFile(file, 'nothing');
    const onBytes = (more: number): void => {
      doneBytes += more;
      onProgress(doneBytes, totalBytes);
    };
    const data = await readAll(file, shard, { bytes, onBytes, limit: bytes });
    await assertHash(file, data, sha256);
    for (const { name, shape, dtype, shard: place, offset, bytes: length } of wanted)
      if (place === index)
        tensors.set(name, {
          dtype: 'F32',
          shape,
          data: decode(data.subarray(offset, offset + length), dtype),
        });
  }
  const values = fromTensors(tensors, '', specs, { file: BUNDLE_FILE, remedy: 'export the model again' });
  return { architecture, values, parameters: parametersOf(values), bytes: totalBytes };
}

const READABLE: Partial<Record<SafetensorsDtype, 'float32' | 'float16' | 'bfloat16'>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/** Reads the floating-point tensors with these names from a safetensors file. @throws InputError if it is damaged. */
function readSafetensorsBytes(
  name: string,
  bytes: Uint8Array,
  names: ReadonlySet<string>,
): Map<string, StoredTensor> {
  const { byteLength } = bytes;
  if (byteLength < LENGTH_BYTES) throw brokenFile(name, `one of ${byteLength} bytes`);
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (headerBytes > HEADER_LIMIT_BYTES || headerBytes > byteLength - LENGTH_BYTES)
    throw brokenFile(name, `a header of ${headerBytes} bytes in a file of ${byteLength}`);
  const json = bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  const { entries, dataStartBytes } = parseHeader(name, json, byteLength);
  const tensors = new Map<string, StoredTensor>();
  for (const { name: tensor, dtype, shape, beginBytes, endBytes } of entries.values()) {
    const readable = READABLE[dtype];
    if (readable === undefined || !names.has(tensor)) continue;
    const data = decode(bytes.subarray(dataStartBytes + beginBytes, dataStartBytes + endBytes), readable);
    tensors.set(tensor, { dtype, shape, data });
  }
  return tensors;
}

async function loadFolder(
  { label, open }: ModelFiles,
  config: Response,
  { onProgress = () => undefined, signal }: LoadWebModelOptions,
): Promise<WebModel> {
  const parsed = z
    .looseObject({ model: configShape.shape.model })
    .safeParse(await readJson(CONFIG_FILE, config));
  if (!parsed.success) throw brokenModelFile(CONFIG_FILE, formatIssues(parsed.error).slice(0, 500));
  const architecture = parsed.data.model;
  const specs = specsOf(architecture);
  const weights = await open(WEIGHTS_FILE, signal);
  if (weights === undefined) throw missing(label, CONFIG_FILE);
  const totalBytes = Number(weights.headers.get('content-length')) || undefined;
  let doneBytes = 0;
  const onBytes = (more: number): void => {
    doneBytes += more;
    onProgress(doneBytes, totalBytes);
  };
  const bytes = await readAll(WEIGHTS_FILE, weights, { onBytes, limit: SHARD_LIMIT_BYTES });
  const values = fromTensors(readSafetensorsBytes(WEIGHTS_FILE, bytes, namesOf(specs)), '', specs, {
    file: WEIGHTS_FILE,
    remedy: `use the ${CONFIG_FILE} that belongs to these weights`,
  });
  return { architecture, values, parameters: parametersOf(values), bytes: bytes.byteLength };
}

function parametersOf(values: NetworkValues): number {
  const vectors = Object.values(values).flatMap((network) => Object.values(network));
  return vectors.reduce((total, { length }) => total + length, 0);
}

function missing(label: string, found: string): InputError {
  return new InputError({
    expected: `a model in ${label}: ${BUNDLE_FILE} with its files, or ${CONFIG_FILE} and ${WEIGHTS_FILE}`,
    found,
    remedy: 'export one with gnr export',
  });
}

/**
 * Loads a model in a browser: a web bundle, whose files are checked by their hashes, or an exported folder of config.json and
 * model.safetensors.
 *
 * @throws InputError that names the file that is missing, damaged or of another model.
 */
export async function loadWebModel(files: ModelFiles, options: LoadWebModelOptions = {}): Promise<WebModel> {
  const bundle = await files.open(BUNDLE_FILE, options.signal);
  if (bundle !== undefined) return loadBundle(files, bundle, options);
  const config = await files.open(CONFIG_FILE, options.signal);
  if (config === undefined) throw missing(files.label, 'none');
  return loadFolder(files, config, options);
}
