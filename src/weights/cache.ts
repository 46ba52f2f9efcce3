// Pretrained weights in the cache: their place, their record, their state.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { cacheDirectory } from '../base/cache-directory.js';
import { messageOf, systemCode } from '../base/errors.js';
import { identityOf, isOfficialFile } from './file-hash.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';

/** The version of the converted files; files of another version are converted again. */
export const CONVERTER_VERSION = 1;

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));

/** The record beside converted weights. */
const recordSchema = z.strictObject({
  format: z.literal('gnr-weights'),
  converter: z.literal(CONVERTER_VERSION),
  name: z.enum(WEIGHT_NAMES),
  /** The file from which they were converted. */
  source: z.strictObject({ file: z.string(), sha256: hex(64), gitBlob: hex(40).nullable() }),
  /** Whether that was an official file; false if `--unverified` allowed another one. */
  verified: z.boolean(),
  /** SHA-256 of the converted file. */
  sha256: hex(64),
});
export type WeightsRecord = z.infer<typeof recordSchema>;

/** The folder of the weights: `weights` in the cache folder. */
export function weightsDirectory(env: NodeJS.ProcessEnv = process.env): string {
  return path.join(cacheDirectory(env), 'weights');
}

/** Paths of converted weights, of their record, and of the lock for writing them. */
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
  /** The converted file is complete; `present` if it comes from an official file. */
  | { state: 'present' | 'unverified'; record: WeightsRecord; bytes: number }
  | { state: 'missing' }
  | { state: 'damaged'; reason: string };

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

/** Why a record cannot be trusted; undefined if it can. */
function recordProblem(name: WeightName, record: WeightsRecord): string | undefined {
  if (record.name !== name) return `a record of ${record.name}`;
  const isOfficial = KNOWN_WEIGHTS[name].files.some((file) => isOfficialFile(file, record.source));
  return record.verified && !isOfficial ? 'a record of a file that is not official' : undefined;
}

/** Checks weights in the cache: whether they exist, are complete, and come from an official file. Reads the whole file. */
export async function weightsState(name: WeightName, env?: NodeJS.ProcessEnv): Promise<WeightsState> {
  const place = placeOf(name, env);
  const damaged = (reason: string): WeightsState => ({ state: 'damaged', reason });
  try {
    const text = await readIfThere(place.record);
    if (text === undefined) return { state: 'missing' };
    const record = parseRecord(text);
    if (record === undefined) return damaged('a record that cannot be read, or of another version');
    const problem = recordProblem(name, record);
    if (problem !== undefined) return damaged(problem);
    const { sha256, bytes } = await identityOf(place.file);
    if (sha256 !== record.sha256) return damaged('other bytes than those that were written');
    return { state: record.verified ? 'present' : 'unverified', record, bytes };
  } catch (error) {
    return damaged(messageOf(error));
  }
}

/** The remedy for missing or damaged weights. */
export function remedyFor(name: WeightName): string {
  return `run gnr weights fetch ${name}, or gnr weights import FILE with ${KNOWN_WEIGHTS[name].files[0]!.name}`;
}
