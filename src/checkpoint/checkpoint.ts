// Checkpoints of a run: saving, pruning, finding and reading them.
import { readFile, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { removeDirectory, replaceDirectory, replaceEntry, writeFileAtomic } from '../base/atomic-files.js';
import { InputError, systemCode } from '../base/errors.js';
import { removeLeftovers, restoreSetAside } from '../base/leftovers.js';
import { parseStepName } from '../base/step-names.js';
import { writeJson } from '../base/write-json.js';
import {
  type CheckpointState,
  CONFIG,
  checkpointFolder,
  checkpointsFolder,
  checkWhole,
  isFile,
  isTorchFile,
  LATEST,
  latestLink,
  MODEL,
  readJson,
  readState,
  STATE,
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

const BEST = 'best';

export interface CheckpointContents {
  /** The networks that translation needs. */
  model: ReadonlyMap<string, TensorToStore> | TensorStream;
  /** Tensors that only training needs: discriminators, optimizer moments. */
  training: ReadonlyMap<string, TensorToStore> | TensorStream;
  /** JSON values: random states, sampler positions, schedules. */
  state: Readonly<Record<string, unknown>>;
  /** The resolved config. Default: a copy of RUN/config.json. */
  config?: unknown;
}

export interface ResolvedCheckpoint {
  /** The real path; it stays valid when `latest` moves on. */
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
  /** The content of config.json, unchecked. */
  config: unknown;
}

/**
 * Finds the complete checkpoint of the highest step below `belowStep`. A run directory holds one line of training: to
 * continue from an older checkpoint, start another run from it.
 * @param options.onSkipped called with every newer checkpoint that is damaged, and the reason.
 * @returns undefined if there is none.
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
  const link = join(checkpointsFolder(runDir), name);
  if ((await readlink(link).catch(() => undefined)) === basename(dir)) return;
  await replaceEntry(link, async (temporary) => {
    try {
      await symlink(basename(dir), temporary, 'dir');
    } catch (error) {
      // Without symbolic links (some file systems and accounts), a text file holds the name.
      if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes(systemCode(error) ?? '')) throw error;
      await writeFile(temporary, `${basename(dir)}\n`);
    }
  });
}

/** Decides which checkpoints stay when a new one has been written. */
export interface KeepPolicy {
  /** The number of newest complete checkpoints that stay, at least 1. Default: all. */
  keepLast?: number;
  /** Checkpoints at multiples of so many steps stay too. */
  keepEverySteps?: number;
  /** The step of the best checkpoint: it stays, and `best` points to it. */
  best?: number;
  /** Whether the new checkpoint replaces an older one with this state: `keepLast` does not count it. */
  replaces?: ((state: CheckpointState) => boolean) | undefined;
}

export interface SaveOptions extends KeepPolicy {
  /** Called before anything changes, and again before the new checkpoint gets its name: an error ends the saving. */
  confirm?: (() => Promise<void>) | undefined;
}

/** Removes a checkpoint of a run; `latest` then names the newest of the others. */
export async function removeCheckpoint(runDir: string, step: number): Promise<void> {
  await removeDirectory(checkpointFolder(runDir, step));
  const newest = await latestCheckpoint(runDir);
  if (newest !== undefined) await pointTo(runDir, LATEST, newest.dir);
  else await rm(latestLink(runDir), { force: true });
}

/** Removes the complete checkpoints that the policy does not keep, but never that of `savedStep`. */
async function prune(runDir: string, savedStep: number, policy: KeepPolicy): Promise<void> {
  const { keepLast = Number.POSITIVE_INFINITY, keepEverySteps = Number.POSITIVE_INFINITY } = policy;
  let kept = 1;
  for (const step of await stepsOf(runDir)) {
    if (step === savedStep) continue;
    const dir = checkpointFolder(runDir, step);
    const state = await checkWhole(dir).catch(() => undefined);
    if (state === undefined) continue;
    const isReplaced = policy.replaces?.(state) ?? false;
    if (kept < keepLast && !isReplaced) kept++;
    else if ((step % keepEverySteps === 0 && !isReplaced) || step === policy.best) continue;
    // A failed removal must not stop a long run; the next save tries again.
    else await removeDirectory(dir).catch(() => undefined);
  }
}

/** Brings what depends on a checkpoint that has its name up to date: the links, and which older ones there are. */
async function followCheckpoint(runDir: string, step: number, policy: KeepPolicy): Promise<void> {
  const { keepLast = Number.POSITIVE_INFINITY, best, replaces } = policy;
  const dir = checkpointFolder(runDir, step);
  await pointTo(runDir, LATEST, (await latestCheckpoint(runDir))?.dir ?? dir);
  if (best !== undefined && (await isFile(join(checkpointFolder(runDir, best), STATE))))
    await pointTo(runDir, BEST, checkpointFolder(runDir, best));
  if (Number.isFinite(keepLast) || replaces !== undefined) await prune(runDir, step, policy);
}

/**
 * Does what a process that died left undone when it saved the newest complete checkpoint, that of `step`: `latest` and `best`
 * follow it, and partial checkpoints and those that the policy does not keep go.
 * @throws RunError that names the path, the cause and the remedy.
 */
export async function settleCheckpoints(runDir: string, step: number, policy: KeepPolicy): Promise<void> {
  await removeLeftovers(checkpointsFolder(runDir));
  await followCheckpoint(runDir, step, policy);
}

/**
 * Writes RUN/checkpoints/step-NNNNNN with model.safetensors, training.safetensors, state.json and config.json, so that
 * the folder can be moved on its own. The folder is written under a temporary name, synced and renamed; then `latest`
 * follows, and then older checkpoints are removed. Tensors must not change until the promise resolves.
 * @returns the checkpoint's folder.
 * @throws RunError that names the path, the cause and the remedy, and whatever a stream of tensors or `confirm` throws;
 *   earlier checkpoints are kept.
 */
export async function saveCheckpoint(
  runDir: string,
  step: number,
  contents: CheckpointContents,
  { confirm, ...policy }: SaveOptions = {},
): Promise<string> {
  const { keepLast = Number.POSITIVE_INFINITY } = policy;
  if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`step is ${step}, not a count`);
  if (!(keepLast >= 1)) throw new RangeError(`keepLast is ${keepLast}, below 1`);
  const dir = checkpointFolder(runDir, step);
  const fixed = { format: 'gnr-checkpoint', version: VERSION, step };
  const state = { ...fixed, ...contents.state, ...fixed };
  await confirm?.();
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
    await confirm?.();
  });
  await followCheckpoint(runDir, step, policy);
  return dir;
}

/** Adds the newest older complete checkpoint, if there is one, to the remedy of an error. */
async function withOlderCheckpoint(dir: string, error: unknown): Promise<unknown> {
  const step = parseStepName(basename(dir));
  if (!(error instanceof InputError) || step === undefined) return error;
  const older = await latestCheckpoint(dirname(dirname(dir)), { belowStep: step });
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

function notAFolder(path: string): InputError {
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
 * checkpoint), or an exported model directory with model.safetensors and config.json. Checks headers and state.
 * The config is the folder's own, or else that of the run around it.
 * @param options.onSkipped called with every newer checkpoint of a run that is damaged, and the reason.
 * @throws InputError that names the missing or damaged file, and an older complete checkpoint if there is one.
 */
export async function resolveCheckpoint(
  path: string,
  options: { onSkipped?: (dir: string, error: InputError) => void } = {},
): Promise<ResolvedCheckpoint> {
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined) {
    if (await restoreSetAside(path)) return resolveCheckpoint(path, options);
    throw notACheckpoint(path, 'nothing');
  }
  if (stats.isFile() && [LATEST, BEST].includes(basename(path))) {
    const name = (await readFile(path, 'utf8')).trim();
    if (parseStepName(name) === undefined) throw notACheckpoint(path, 'a file that names no checkpoint');
    return resolveCheckpoint(join(dirname(path), name), options);
  }
  if (!stats.isDirectory()) throw notAFolder(path);
  const dir = await realpath(path);
  if ((await isFile(join(dir, MODEL))) || parseStepName(basename(dir)) !== undefined) {
    return resolveFolder(dir).catch(async (error: unknown) =>
      Promise.reject(await withOlderCheckpoint(dir, error)),
    );
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

/** Reads the state of a checkpoint, without its tensors. @throws InputError for a damaged one. */
export async function readCheckpointState(dir: string): Promise<Checkpoint['state']> {
  return readState(join(dir, STATE));
}

/**
 * Reads a whole checkpoint directory (`dir` of `resolveCheckpoint`), to continue training from it.
 * @throws InputError that names the missing or damaged file, and an older complete checkpoint if there is one.
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
    throw await withOlderCheckpoint(dir, error);
  }
}
