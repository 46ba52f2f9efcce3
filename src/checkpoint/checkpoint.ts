import { readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  removeDirectory,
  removeLeftovers,
  replaceDirectory,
  replaceEntry,
  writeFileAtomic,
} from '../base/atomic-files.js';
import { InputError, systemCode } from '../base/errors.js';
import { writeJson } from '../base/write-json.js';
import {
  type CheckpointState,
  CONFIG,
  checkpointFolder,
  checkpointsFolder,
  checkWhole,
  isFile,
  isTorchFile,
  MODEL,
  readJson,
  readState,
  STATE,
  STEP_FOLDER,
  stepsOf,
  TRAINING,
  VERSION,
} from './layout.js';
import {
  readSafetensors,
  readSafetensorsHeader,
  type StoredTensor,
  type TensorStream,
  type TensorToStore,
  writeSafetensors,
} from './safetensors.js';

const LATEST = 'latest';
const BEST = 'best';

export interface CheckpointContents {
  /** What translation needs. */
  model: ReadonlyMap<string, TensorToStore> | TensorStream;
  /** What only training needs: discriminators, optimizer moments. */
  training: ReadonlyMap<string, TensorToStore> | TensorStream;
  /** JSON values: random states, sampler positions, schedules. */
  state: Readonly<Record<string, unknown>>;
  /** The resolved config; RUN/config.json is copied where it is left out. */
  config?: unknown;
}

export interface ResolvedCheckpoint {
  /** The real path, which stays valid while `latest` moves on. */
  dir: string;
  modelPath: string;
  trainingPath?: string;
  statePath?: string;
  configPath: string;
}

export interface Checkpoint {
  dir: string;
  step: number;
  model: Map<string, StoredTensor>;
  training: Map<string, StoredTensor>;
  state: CheckpointState;
  /** The content of config.json, not checked. */
  config: unknown;
}

/**
 * The complete checkpoint of the highest step below `belowStep`. A run directory holds one line of training: to go on
 * from an older checkpoint, start another run from it.
 * @param options.onSkipped is told of every newer checkpoint that is damaged, and why.
 * @returns undefined where there is none.
 */
export async function latestCheckpoint(
  runDir: string,
  options: { belowStep?: number; onSkipped?: (dir: string, error: InputError) => void } = {},
): Promise<{ dir: string; step: number } | undefined> {
  for (const step of await stepsOf(runDir)) {
    if (step >= (options.belowStep ?? Number.POSITIVE_INFINITY)) continue;
    const dir = checkpointFolder(runDir, step);
    try {
      await checkWhole(dir);
      return { dir, step };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      options.onSkipped?.(dir, error);
    }
  }
  return undefined;
}

async function pointTo(runDir: string, name: string, dir: string): Promise<void> {
  await replaceEntry(join(checkpointsFolder(runDir), name), async (temporary) => {
    try {
      await symlink(basename(dir), temporary, 'dir');
    } catch (error) {
      // Some file systems and accounts have no symbolic links: there the name stands in a text file.
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) throw error;
      await writeFile(temporary, `${basename(dir)}\n`);
    }
  });
}

/** Which checkpoints stay when a new one has been written. */
export interface KeepPolicy {
  /** How many complete ones stay (at least 1), the newest; all where it is left out. */
  keepLast?: number;
  /** Those of multiples of so many steps stay too. */
  keepEverySteps?: number;
  /** The step of the best one, which stays, and which `best` points to. */
  best?: number;
}

/** Removes complete checkpoints but for those that the policy keeps, never the one of `savedStep`. */
async function prune(runDir: string, savedStep: number, policy: KeepPolicy): Promise<void> {
  const { keepLast = Number.POSITIVE_INFINITY, keepEverySteps = Number.POSITIVE_INFINITY, best } = policy;
  let kept = 1;
  for (const step of await stepsOf(runDir)) {
    if (step === savedStep) continue;
    const dir = checkpointFolder(runDir, step);
    const whole = await checkWhole(dir).then(
      () => true,
      () => false,
    );
    if (!whole) continue;
    if (kept < keepLast) kept++;
    else if (step % keepEverySteps === 0 || step === best) continue;
    // What cannot be removed now is tried again after the next save: no reason to stop a long run.
    else await removeDirectory(dir).catch(() => undefined);
  }
}

/**
 * Writes RUN/checkpoints/step-NNNNNN with model.safetensors, training.safetensors, state.json and config.json, so that
 * it can be moved on its own. It is written beside, synced and renamed; `latest` follows, and older checkpoints go only
 * then. Tensors must not change until the promise resolves.
 * @returns the checkpoint's folder.
 * @throws RunError that names the path, the cause and the remedy, and what a stream of tensors throws; earlier checkpoints
 *   are kept.
 */
export async function saveCheckpoint(
  runDir: string,
  step: number,
  contents: CheckpointContents,
  policy: KeepPolicy = {},
): Promise<string> {
  const { keepLast = Number.POSITIVE_INFINITY, best } = policy;
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`step is ${step}, not a count`);
  if (!(keepLast >= 1)) throw new RangeError(`keepLast is ${keepLast}, below 1`);
  const dir = checkpointFolder(runDir, step);
  const fixed = { format: 'gnr-checkpoint', version: VERSION, step };
  const state = { ...fixed, ...contents.state, ...fixed };
  await removeLeftovers(checkpointsFolder(runDir));
  await replaceDirectory(dir, async (temporary) => {
    await writeSafetensors(join(temporary, MODEL), contents.model);
    await writeSafetensors(join(temporary, TRAINING), contents.training);
    if (contents.config !== undefined) {
      await writeJson(join(temporary, CONFIG), contents.config);
    } else if (await isFile(join(runDir, CONFIG))) {
      await writeFileAtomic(join(temporary, CONFIG), await readFile(join(runDir, CONFIG)));
    }
    await writeJson(join(temporary, STATE), state);
  });
  await pointTo(runDir, LATEST, (await latestCheckpoint(runDir))?.dir ?? dir);
  if (best !== undefined && (await isFile(join(checkpointFolder(runDir, best), STATE))))
    await pointTo(runDir, BEST, checkpointFolder(runDir, best));
  if (Number.isFinite(keepLast)) await prune(runDir, step, policy);
  return dir;
}

/** Adds to a complaint about a checkpoint where the newest older one that is complete is, if there is one. */
async function withOlder(dir: string, error: unknown): Promise<unknown> {
  const match = STEP_FOLDER.exec(basename(dir));
  if (!(error instanceof InputError) || match === null) return error;
  const older = await latestCheckpoint(dirname(dirname(dir)), { belowStep: Number(match[1]) });
  if (older === undefined) return error;
  const remedy = `${error.details.remedy}, or use the older complete checkpoint ${older.dir}`;
  return new InputError({ ...error.details, remedy }, { cause: error });
}

async function resolveFolder(dir: string): Promise<ResolvedCheckpoint> {
  const modelPath = join(dir, MODEL);
  const statePath = join(dir, STATE);
  const trainingPath = join(dir, TRAINING);
  await readSafetensorsHeader(modelPath);
  const isCheckpoint = await isFile(statePath);
  if (isCheckpoint) await readState(statePath);
  const candidates = [join(dir, CONFIG), ...(isCheckpoint ? [join(dirname(dirname(dir)), CONFIG)] : [])];
  for (const configPath of candidates) {
    if (!(await isFile(configPath))) continue;
    return {
      dir,
      modelPath,
      configPath,
      ...(isCheckpoint ? { statePath } : {}),
      ...((await isFile(trainingPath)) ? { trainingPath } : {}),
    };
  }
  throw new InputError({
    expected: `the model's config at ${candidates[0]}`,
    found: 'nothing',
    remedy: 'copy config.json of the run into that folder',
  });
}

function notACheckpoint(path: string, found: string, remedy?: string): InputError {
  return new InputError({
    expected: `a checkpoint at ${path}`,
    found,
    remedy: remedy ?? 'name a checkpoint directory, a run directory or an exported model directory',
  });
}

function complaintAboutFile(path: string): InputError {
  if (isTorchFile(path)) {
    return notACheckpoint(path, 'a PyTorch file', `import it first: gnr import ${path} --out DIR`);
  }
  if (/\.safetensors$/i.test(path)) {
    return notACheckpoint(path, 'a single file', `name its folder, ${dirname(path)}, with config.json in it`);
  }
  return notACheckpoint(path, 'a file');
}

/**
 * Finds the files behind a CKPT argument: a checkpoint directory (or `latest`, `best`), a run directory (its newest complete
 * checkpoint), or an exported model directory with model.safetensors and config.json. Headers and state are checked.
 * The config is the folder's own, or that of the run around it.
 * @throws InputError that names the file that is missing or damaged, and an older complete checkpoint if there is one.
 */
export async function resolveCheckpoint(
  path: string,
  options: { onSkipped?: (dir: string, error: InputError) => void } = {},
): Promise<ResolvedCheckpoint> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw notACheckpoint(path, 'nothing');
  if (found.isFile() && [LATEST, BEST].includes(basename(path))) {
    const name = (await readFile(path, 'utf8')).trim();
    if (!STEP_FOLDER.test(name)) throw notACheckpoint(path, 'a file that names no checkpoint');
    return resolveCheckpoint(join(dirname(path), name), options);
  }
  if (!found.isDirectory()) throw complaintAboutFile(path);
  const dir = await realpath(path);
  if ((await isFile(join(dir, MODEL))) || STEP_FOLDER.test(basename(dir))) {
    return resolveFolder(dir).catch(async (error: unknown) => Promise.reject(await withOlder(dir, error)));
  }
  const damaged: InputError[] = [];
  const latest = await latestCheckpoint(dir, {
    onSkipped: (skipped, error) => {
      damaged.push(error);
      options.onSkipped?.(skipped, error);
    },
  });
  if (latest !== undefined) return resolveFolder(latest.dir);
  throw damaged[0] ?? notACheckpoint(path, 'a folder without one');
}

/**
 * Reads all of a checkpoint directory (what `resolveCheckpoint` gives as `dir`), to go on training from it.
 * @throws InputError that names the file that is missing or damaged, and an older complete checkpoint if there is one.
 */
export async function readCheckpoint(dir: string): Promise<Checkpoint> {
  try {
    const state = await readState(join(dir, STATE));
    const { modelPath, configPath } = await resolveFolder(dir);
    const model = (await readSafetensors(modelPath)).tensors;
    const training = (await readSafetensors(join(dir, TRAINING))).tensors;
    const config = await readJson(configPath, 'the config of a checkpoint');
    return { dir, step: state.step, model, training, state, config };
  } catch (error) {
    throw await withOlder(dir, error);
  }
}
