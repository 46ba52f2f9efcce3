// The layout of a run's folder: names of files, and reading its JSON files.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { formatIssues, parseOrThrow } from '../base/parse-or-throw.js';
import { parseStepName, stepName } from '../base/step-names.js';
import { readSafetensorsHeader } from './safetensors.js';

export const MODEL = 'model.safetensors';
export const TRAINING = 'training.safetensors';
export const STATE = 'state.json';
export const CONFIG = 'config.json';
export const VERSION = 1;
/** The name of the link to a run's newest checkpoint. */
export const LATEST = 'latest';

const stateSchema = z.looseObject({
  format: z.literal('gnr-checkpoint'),
  version: z.literal(VERSION),
  step: z.int().nonnegative(),
});

/** state.json: the fields of the format, and those that the trainer adds. */
export type CheckpointState = z.infer<typeof stateSchema>;

/** The folder of a run's checkpoints. */
export function checkpointsFolder(runDir: string): string {
  return join(runDir, 'checkpoints');
}

/** The path of the link to a run's newest checkpoint; it is there once one is. */
export function latestLink(runDir: string): string {
  return join(checkpointsFolder(runDir), LATEST);
}

/** The folder of the checkpoint after `step` steps: RUN/checkpoints/step-000500. */
export function checkpointFolder(runDir: string, step: number): string {
  return join(checkpointsFolder(runDir), stepName(step));
}

/** Whether a path looks like a PyTorch checkpoint. */
export const isTorchFile = (path: string): boolean => /\.(pt|pth|ckpt)$/i.test(path);

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

export async function readJson(path: string, what: string): Promise<unknown> {
  const expected = `${what} at ${path}`;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    const found = code === 'ENOENT' ? 'nothing' : `a file that cannot be read (${code ?? messageOf(error)})`;
    throw new InputError({ expected, found, remedy: 'copy the whole folder again' }, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(
      { expected, found: `no JSON (${messageOf(error)})`, remedy: 'copy the whole folder again' },
      { cause: error },
    );
  }
}

/** A model's config as the schema parses it. @throws InputError that names the file, and what is wrong in it. */
export async function readModelConfig<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  return parseOrThrow(schema, await readJson(path, "the model's config"), {
    expected: `the model's config in ${path}`,
    remedy: 'copy the config.json of the run there',
  });
}

export async function readState(path: string): Promise<CheckpointState> {
  const value = await readJson(path, 'the state of a checkpoint');
  const parsed = stateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const newer = z.looseObject({ format: z.literal('gnr-checkpoint'), version: z.number().gt(VERSION) });
  const isNewer = newer.safeParse(value).success;
  throw new InputError({
    expected: `the state of a checkpoint of format version ${VERSION} at ${path}`,
    found: isNewer ? 'a newer version' : formatIssues(parsed.error),
    remedy: isNewer ? 'update this program' : 'copy the whole folder again, or use another checkpoint',
  });
}

/** Checks everything in a checkpoint except the numbers of its tensors. @throws InputError that names the file. */
export async function checkWhole(dir: string): Promise<CheckpointState> {
  const state = await readState(join(dir, STATE));
  await readSafetensorsHeader(join(dir, MODEL));
  await readSafetensorsHeader(join(dir, TRAINING));
  return state;
}

/** The steps for which a folder exists, highest first. */
export async function stepsOf(runDir: string): Promise<number[]> {
  const folder = checkpointsFolder(runDir);
  const names = await readdir(folder).catch((error: unknown) => {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new InputError(
      { expected: `checkpoints in ${folder}`, found: messageOf(error), remedy: 'make the folder readable' },
      { cause: error },
    );
  });
  const steps = names.map(parseStepName).filter((step) => step !== undefined);
  return steps.sort((a, b) => b - a);
}
