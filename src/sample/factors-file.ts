// factors.json: the factors that the images of a sample dataset were drawn from.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { sha256 } from '../base/hash.js';
import { FAMILIES, portraitSchema } from './factors.js';

/** The file at the root of a sample dataset with the factors of each image. */
export const FACTORS_FILE = 'factors.json';

/** The folders of an unpaired dataset: domain A are photographs, domain B is anime. */
export const SAMPLE_FOLDERS = ['trainA', 'trainB', 'testA', 'testB'] as const;
export type SampleFolder = (typeof SAMPLE_FOLDERS)[number];

export const factorsFileSchema = z.strictObject({
  format: z.literal('gnr-sample-factors'),
  version: z.literal(1),
  seed: z.int().min(0).max(0xffffffff),
  /** Width and height of the images, px. */
  size: z.int().min(1),
  /** The family of the anime images, or the list from which each has drawn its own. */
  family: z.union([z.enum(FAMILIES), z.array(z.enum(FAMILIES)).min(2)], {
    error: ({ input }) =>
      `expected ${FAMILIES.join(', ')}, or a list of at least two of them, received ${JSON.stringify(input)}`,
  }),
  /** Factors by path from the root of the dataset: "trainA/00000.png". */
  images: z.record(z.string(), portraitSchema),
});
export type FactorsFile = z.infer<typeof factorsFileSchema>;

const remedy = 'draw the dataset again with `gnr dataset sample DIR`';

/**
 * Reads factors.json at the root of a sample dataset.
 * @throws InputError if it is missing, is not JSON, or does not follow the schema (then it names the key).
 */
export async function readFactors(dir: string): Promise<FactorsFile> {
  const path = join(dir, FACTORS_FILE);
  return parseFactors((await readBytes(path)).toString(), path);
}

/** Of a file that was cut short, too, so that it is not taken for the user's own. */
const NAMES_FORMAT = /"format"\s*:\s*"gnr-sample-factors"/;

/**
 * Reads factors.json of a dataset that may be any, with its SHA-256.
 * @returns undefined if there is none, or the user's own: one that does not name the format.
 * @throws InputError if it names the format, but is damaged or of another version.
 */
export async function readFactorsIfAny(
  dir: string,
): Promise<{ factors: FactorsFile; sha256: string } | undefined> {
  const path = join(dir, FACTORS_FILE);
  const isFile = await stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!isFile) return undefined;
  const bytes = await readBytes(path);
  const text = bytes.toString();
  if (!NAMES_FORMAT.test(text)) return undefined;
  return { factors: parseFactors(text, path), sha256: sha256(bytes) };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'no such file' : messageOf(error);
    throw new InputError(
      { expected: `the factors of a sample dataset in ${path}`, found, remedy },
      { cause: error },
    );
  }
}

function parseFactors(text: string, path: string): FactorsFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const details = { expected: `JSON in ${path}`, found: messageOf(error), remedy };
    throw new InputError(details, { cause: error });
  }
  const parsed = factorsFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const key = issue.path.length > 0 ? issue.path.join('.') : 'the whole file';
  const found = `at ${key}: ${issue.message}`;
  throw new InputError({ expected: `sample factors of version 1 in ${path}`, found, remedy });
}
