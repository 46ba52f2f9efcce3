// Imports checkpoints of the reference implementation.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceDirectory, writeFileAtomic } from '../../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../../base/errors.js';
import { removeLeftoversOf } from '../../base/leftovers.js';
import { formatConfig, resolveConfig } from '../../config/load.js';
import { isTree, mergeTrees, parseOverrides, type Tree } from '../../config/overrides.js';
import type { Config, PartialConfig } from '../../config/schema.js';
import { NETWORK_NAMES, type NetworkName, networkSpecs } from '../../model/networks.js';
import type { ParameterSpecs } from '../../model/parameters.js';
import { saveCheckpoint } from '../checkpoint.js';
import { CONFIG, checkpointFolder, MODEL, TRAINING } from '../layout.js';
import { type TensorToStore, writeSafetensors } from '../safetensors.js';
import { openTensorFile } from '../tensor-file.js';
import type { TensorFile } from '../torch-file/torch-file.js';
import { TorchTensorRef } from '../torch-file/values.js';
import { inferModel, type Shapes } from './architecture.js';
import { AS_IMPORTED, Converter } from './convert.js';
import { AVERAGED, type AveragedName, OPTIMIZERS, type OptimizerName, parameterOrder } from './networks.js';
import { type CountedParameter, inferTraining, momentsOf } from './optimizers.js';
import {
  checkBuffers,
  checkedIteration,
  checkStateDict,
  parseReferenceFile,
  type ReferenceFile,
  rejectUnreadable,
  type StateDict,
  tensorAt,
} from './reference-file.js';

/** The place that the documentation names for the perceptual loss's weights. */
const LPIPS_WEIGHTS = 'weights/lpips-vgg.safetensors';

/** The trainer's fields of state.json, which the reference does not save: samplers start anew. */
const INITIAL_STATE = { seconds: 0, samplerA: null, samplerB: null };

export interface ImportOptions {
  /** Texts `KEY=VALUE` that override the inferred config. */
  overrides?: readonly string[];
  /** Names of networks that have none in the file: texts `NAME` (such as `G_A2B_ema`) or `KEY=NAME`. */
  as?: readonly string[];
  onProgress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ImportReport {
  /** `run`: training can continue. `model`: the file lacks networks or optimizers for that. */
  kind: 'run' | 'model';
  /** The folder with model.safetensors. */
  dir: string;
  /** Training steps of the checkpoint. */
  step: number;
  config: Config;
  /** The networks in the file, by the reference's names. */
  networks: string[];
  /** Config keys that the file does not determine; they have their defaults or come from the overrides. */
  unresolved: string[];
  notes: string[];
}

interface Contents {
  model: Map<string, TensorToStore>;
  training: Map<string, TensorToStore>;
}

async function rejectUsedFolder(dir: string): Promise<void> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    const found = systemCode(error) === 'ENOTDIR' ? 'a file' : messageOf(error);
    throw new InputError(
      { expected: `a new folder at ${dir}`, found, remedy: 'give --out another name' },
      { cause: error },
    );
  });
  if (names.length === 0) return;
  throw new InputError({
    expected: `a new or empty folder at ${dir}`,
    found: `${names.length} entries in it`,
    remedy: 'give --out another name',
  });
}

function shapesOf(dict: StateDict | undefined): Shapes | undefined {
  if (dict === undefined) return undefined;
  const shapes = new Map<string, readonly number[]>();
  for (const [path, tensor] of dict) if (tensor instanceof TorchTensorRef) shapes.set(path, tensor.shape);
  return shapes;
}

function firstOf(file: ReferenceFile, names: readonly string[]): StateDict | undefined {
  return names.map((name) => file.networks.get(name)).find((dict) => dict !== undefined);
}

/** The config of the file: as exported, or inferred from shapes and optimizers. */
function configOf(
  path: string,
  file: ReferenceFile,
  step: number,
  overrides: readonly string[],
): Pick<ImportReport, 'config' | 'unresolved' | 'notes'> {
  const generator = shapesOf(firstOf(file, ['G_A2B_ema', 'G_B2A_ema', 'G_A2B', 'G_B2A']));
  if (generator === undefined)
    throw new InputError({
      expected: `a generator (G_A2B_ema, G_B2A_ema, G_A2B or G_B2A) in ${path}`,
      found: `only ${[...file.networks.keys()].join(', ')}`,
      remedy: 'use a checkpoint with a generator',
    });
  const lpips = { losses: { lpips: { weights: LPIPS_WEIGHTS } } };
  const over = parseOverrides(overrides);
  if (isTree(file.config)) {
    const config = resolveConfig(mergeTrees(mergeTrees(lpips, file.config), over) as PartialConfig);
    return { config, unresolved: [], notes: [] };
  }
  const image = shapesOf(firstOf(file, ['D_A', 'D_B']));
  const { model, unresolved } = inferModel(
    { generator, image, latent: shapesOf(file.networks.get('D_L')) },
    path,
  );
  if (image === undefined) {
    const ends = resolveConfig({ model: { variant: model.variant }, ...lpips }).model;
    model.discriminatorLocalSize = Math.min(ends.discriminatorLocalSize, model.size!);
    model.discriminatorGlobalSize = Math.min(ends.discriminatorGlobalSize, model.size!);
  }
  const { training, notes } = inferTraining(file, step);
  const inferred = { model, training, ...lpips };
  const config = resolveConfig(mergeTrees(inferred as Tree, over) as PartialConfig);
  return { config, unresolved: [...unresolved, 'training.batch', 'losses'], notes };
}

/** The checked contents of the file, before any numbers are read. */
interface Plan {
  file: TensorFile;
  parsed: ReferenceFile;
  specs: Record<NetworkName, ParameterSpecs>;
  config: Config;
  /** Training steps of the checkpoint. */
  step: number;
  /** Whether the file has everything that training needs. */
  isRun: boolean;
}

function networkOf(name: string): NetworkName {
  return name in AVERAGED ? AVERAGED[name as AveragedName] : (name as NetworkName);
}

/** Parameters in the order of an optimizer. */
function countedParameters({ specs, parsed }: Plan, optimizer: OptimizerName): CountedParameter[] {
  return OPTIMIZERS[optimizer].flatMap((network) =>
    parameterOrder(specs[network]).map((path) => ({
      network,
      path,
      shape: tensorAt(parsed.networks.get(network)!, path).shape,
    })),
  );
}

async function readNetworks(plan: Plan, converter: Converter, contents: Contents): Promise<void> {
  const { parsed, specs } = plan;
  for (const [name, dict] of parsed.networks) {
    const network = networkOf(name);
    const isEma = name in AVERAGED;
    // Without EMA weights, the raw weights translate.
    const isModel = isEma || (network in emaNames && !parsed.networks.has(emaNames[network]!));
    for (const [path, spec] of Object.entries(specs[network])) {
      const tensorName = `${network}/${path}`;
      const part = isEma ? 'ema' : 'values';
      const tensor = await converter.convert(part, tensorName, spec, tensorAt(dict, path));
      if (isModel) contents.model.set(tensorName, tensor);
      if (!isEma) contents.training.set(`values/${tensorName}`, tensor);
    }
  }
}

const emaNames: Partial<Record<NetworkName, AveragedName>> = { G_A2B: 'G_A2B_ema', G_B2A: 'G_B2A_ema' };

async function readOptimizers(plan: Plan, converter: Converter, contents: Contents): Promise<void> {
  const { file, parsed, specs, config, step } = plan;
  for (const [name, optimizer] of parsed.optimizers) {
    const parameters = countedParameters(plan, name);
    const moments = momentsOf(file.path, name, optimizer, parameters);
    for (const [i, { network, path }] of parameters.entries()) {
      const spec = specs[network][path]!;
      const tensorName = `${network}/${path}`;
      const read = moments[i];
      const zeros = (): TensorToStore => ({
        shape: spec.shape,
        data: new Float32Array(spec.shape.reduce((product, n) => product * n, 1)),
      });
      if (read) await converter.keepStep(tensorName, read.step, step);
      const second = read ? await converter.convert('second', tensorName, spec, read.second) : zeros();
      contents.training.set(`second/${tensorName}`, second);
      if (config.training.betas[0] > 0) {
        const first = read ? await converter.convert('first', tensorName, spec, read.first) : zeros();
        contents.training.set(`first/${tensorName}`, first);
      }
      // With a decay rate of 0 the first moment is the last gradient, which training never reads again.
      else if (read) await converter.keep('first', tensorName, read.first);
    }
  }
}

function totalBytes({ networks, optimizers }: ReferenceFile, isRun: boolean): number {
  const sum = (dicts: Iterable<StateDict>): number => {
    let bytes = 0;
    for (const dict of dicts)
      for (const tensor of dict.values()) if (tensor instanceof TorchTensorRef) bytes += tensor.bytes;
    return bytes;
  };
  const trained = sum(NETWORK_NAMES.map((name) => networks.get(name) ?? new Map()));
  return sum(networks.values()) + (isRun && optimizers.size > 0 ? 2 * trained : 0);
}

function describe({ parsed, isRun }: Plan, report: Pick<ImportReport, 'notes'>): void {
  const { networks, ignored } = parsed;
  for (const [network, ema] of Object.entries(emaNames)) {
    if (networks.has(ema)) continue;
    report.notes.push(
      networks.has(network)
        ? `The file has no ${ema}: ${network} itself will translate.`
        : `The file has neither ${ema} nor ${network}: the model translates in the other direction alone.`,
    );
  }
  if (!isRun)
    report.notes.push(
      'The file lacks networks or optimizers that training needs: --resume cannot continue from it.',
    );
  if (ignored.length > 0) report.notes.push(`Skipped in the file: ${ignored.slice(0, 10).join(', ')}.`);
}

/** Steps done when the file was saved. */
async function stepsDone(file: TensorFile, { iter }: ReferenceFile): Promise<number> {
  if (iter === undefined) return 0;
  if (typeof iter === 'number') return iter + 1;
  return checkedIteration(file.path, (await file.read(iter))[0]!) + 1;
}

async function plan(
  file: TensorFile,
  overrides: readonly string[],
  as: readonly string[],
): Promise<Plan & ImportReport> {
  const parsed = parseReferenceFile(file, as);
  // Before the architecture is inferred, which would say that they are missing.
  for (const [name, dict] of parsed.networks) rejectUnreadable(file, name, dict);
  const step = await stepsDone(file, parsed);
  const resolved = configOf(file.path, parsed, step, overrides);
  const specs = networkSpecs(resolved.config.model);
  for (const [name, dict] of parsed.networks) {
    checkStateDict(file, name, dict, specs[networkOf(name)]);
    await checkBuffers(file, name, dict, specs[networkOf(name)]);
  }
  const isRun =
    NETWORK_NAMES.every((name) => parsed.networks.has(name)) &&
    parsed.optimizers.size === Object.keys(OPTIMIZERS).length;
  const planned = { file, parsed, specs, isRun, ...resolved, step, networks: [...parsed.networks.keys()] };
  describe(planned, planned);
  return { ...planned, kind: isRun ? 'run' : 'model', dir: '' };
}

/** What of a checkpoint of the reference a new run starts from. */
export interface ReferenceStart {
  /** The generators that translate, by `NETWORK/PATH`. */
  model: ReadonlyMap<string, TensorToStore>;
  /** All networks as they were trained, by `values/NETWORK/PATH`. */
  training: ReadonlyMap<string, TensorToStore>;
}

/**
 * Reads the networks of a checkpoint of the reference implementation into memory.
 *
 * @throws InputError that names the file and the key that is missing, misshapen or forbidden.
 */
export async function readReferenceNetworks(
  path: string,
  onProgress: ImportOptions['onProgress'] = () => undefined,
): Promise<ReferenceStart> {
  const file = await openTensorFile(path);
  try {
    const planned = await plan(file, [], []);
    const total = totalBytes(planned.parsed, false);
    let done = 0;
    const converter = new Converter(file, (bytes) => {
      done += bytes;
      onProgress(Math.min(done, total), total);
    });
    const contents: Contents = { model: new Map(), training: new Map() };
    await readNetworks(planned, converter, contents);
    onProgress(total, total);
    return contents;
  } finally {
    await file.close();
  }
}

/** The config of a checkpoint of the reference implementation, without its numbers. @throws InputError as the import does. */
export async function readReferenceConfig(path: string): Promise<Config> {
  const file = await openTensorFile(path);
  try {
    return (await plan(file, [], [])).config;
  } finally {
    await file.close();
  }
}

/**
 * Imports a checkpoint of either branch of the reference implementation; names and shapes determine its architecture. With
 * all networks and optimizers it becomes a run directory for `gnr train --resume`; otherwise a model folder with the
 * networks of the file. Weights and moments are the file's, each multiplied by its gain and rounded once.
 *
 * @param outDir a new folder; it appears as a whole or not at all.
 * @throws InputError that names the file and the key that is missing, misshapen or forbidden; RunError if a file cannot be
 *   written.
 */
export async function importReferenceCheckpoint(
  path: string,
  outDir: string,
  { overrides = [], as = [], onProgress }: ImportOptions = {},
): Promise<ImportReport> {
  const file = await openTensorFile(path);
  try {
    // An import that was killed leaves a temporary folder behind.
    await removeLeftoversOf(outDir);
    await rejectUsedFolder(outDir);
    const planned = await plan(file, overrides, as);
    const { config, isRun, step } = planned;
    const total = totalBytes(planned.parsed, isRun);
    let done = 0;
    const converter = new Converter(file, (bytes) => {
      done += bytes;
      onProgress?.(Math.min(done, total), total);
    });
    const contents: Contents = { model: new Map(), training: new Map() };
    await readNetworks(planned, converter, contents);
    if (isRun) await readOptimizers(planned, converter, contents);
    await replaceDirectory(outDir, async (temporary) => {
      const dir = isRun
        ? await saveCheckpoint(temporary, step, { ...contents, state: INITIAL_STATE, config })
        : temporary;
      if (!isRun) {
        await writeSafetensors(join(dir, MODEL), contents.model);
        if (contents.training.size > 0) await writeSafetensors(join(dir, TRAINING), contents.training);
      }
      await writeFileAtomic(join(temporary, CONFIG), formatConfig(config));
      if (converter.asImported.size > 0) await writeSafetensors(join(dir, AS_IMPORTED), converter.asImported);
    });
    const { kind, networks, unresolved, notes } = planned;
    const dir = isRun ? checkpointFolder(outDir, step) : outDir;
    return { kind, dir, step, config, networks, unresolved, notes };
  } finally {
    await file.close();
  }
}
