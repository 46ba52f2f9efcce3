import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../base/cache-directory.js';
import { messageOf, systemCode } from '../base/errors.js';
import { identityOf, isFile } from './file-hash.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';

/** Counts changes of what is kept and how; files of another version are made again. */
export const CONVERTER_VERSION = 1;

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** What stands beside converted weights. */
const recordSchema = z.strictObject({
  format: z.literal('gnr-weights'),
  converter: z.literal(CONVERTER_VERSION),
  name: z.enum(WEIGHT_NAMES),
  /** The file that they were converted from. */
  source: z.strictObject({ file: z.string(), sha256: hex(64), gitBlob: hex(40).nullable() }),
  /** Whether that was an official file; false where `--unverified` let it in. */
  verified: z.boolean(),
  /** Of the converted file. */
  sha256: hex(64),
});
export type WeightsRecord = z.infer<typeof recordSchema>;

/** Where the weights are kept: `weights` in the cache folder. */
export function weightsDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheDirectory(env), 'weights');
}

/** Paths of converted weights, of the record beside them, and of the lock of who writes them. */
export function placeOf(
  name: WeightName,
  env?: NodeJS.ProcessEnv,
): { file: string; record: string; lock: string } {
  const folder = weightsDirectory(env);
  return {
    file: path.join(folder, `${name}.safetensors`),
    record: path.join(folder, `${name}.json`),
    lock: path.join(folder, `.${name}.lock`),
  };
}

export type WeightsState =
  /** An official file was converted, and what came out of it is whole. */
  | { state: 'present' | 'unverified'; record: WeightsRecord; bytes: number }
  | { state: 'missing' }
  | { state: 'damaged'; why: string };

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function parseRecord(text: string): WeightsRecord | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Why a record is not to be believed; undefined where it is. */
function fault(name: WeightName, record: WeightsRecord): string | undefined {
  if (record.name !== name) return `a record of ${record.name}`;
  const isOfficial = KNOWN_WEIGHTS[name].files.some((file) => isFile(file, record.source));
  return record.verified && !isOfficial ? 'a record of a file that is not official' : undefined;
}

/** Looks at weights in the cache: whether they are there, whole, and from an official file. Reads all of them. */
export async function weightsState(name: WeightName, env?: NodeJS.ProcessEnv): Promise<WeightsState> {
  const place = placeOf(name, env);
  const damaged = (why: string): WeightsState => ({ state: 'damaged', why });
  try {
    const text = await readIfThere(place.record);
    if (text === undefined) return { state: 'missing' };
    const record = parseRecord(text);
    if (record === undefined) return damaged('a record that cannot be read, or of another version');
    const wrong = fault(name, record);
    if (wrong !== undefined) return damaged(wrong);
    const { sha256, bytes } = await identityOf(place.file);
    if (sha256 !== record.sha256) return damaged('other bytes than were written');
    return { state: record.verified ? 'present' : 'unverified', record, bytes };
  } catch (error) {
    return damaged(messageOf(error));
  }
}

/** What to do about weights that are not there or not whole. */
export function remedyFor(name: WeightName): string {
  return `run gnr weights fetch ${name}, or gnr weights import FILE with ${KNOWN_WEIGHTS[name].files[0]!.name}`;
}
