// Writes a checkpoint as the reference implementation saves its own.
import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../../base/errors.js';
import { type Config, configShape } from '../../config/schema.js';
import { NETWORK_NAMES, type NetworkName, networkSpecs } from '../../model/networks.js';
import type { ParameterSpecs } from '../../model/parameters.js';
import { type ResolvedCheckpoint, resolveCheckpoint } from '../checkpoint.js';
import { isFile, readModelConfig, readState } from '../layout.js';
import { readSafetensors, readSafetensorsHeader, type StoredTensor } from '../safetensors.js';
import {
  OrderedDict,
  PythonFloat,
  type PythonValue,
  TensorToPickle,
  Tuple,
} from '../torch-file/python-values.js';
import { writeTorchFile } from '../torch-file/write-torch-file.js';
import { torchShapeOf, toTorchTensor } from '../torch-layout.js';
import { rejectUnreleased } from './architecture.js';
import { AS_IMPORTED, GAIN_POWERS, type Part } from './convert.js';
import {
  AVERAGED,
  BUFFER_SHAPE,
  buffersOf,
  OPTIMIZERS,
  type OptimizerName,
  parameterOrder,
  stateDictShapes,
} from './networks.js';
import { CONFIG_KEY } from './reference-file.js';
import { restoreRounding } from './rounding.js';

/** The default of torch.optim.Adam, which the reference uses. */
const ADAM_EPSILON = 1e-8;

/** The settings of an optimizer's parameter group. */
export interface GroupSettings {
  /** At the step of the checkpoint. */
  learningRate: number;
  betas: { first: number; second: number };
}

export interface ExportOptions {
  /** The optimizers' settings after `step` steps. */
  settings: (config: ExportedConfig, step: number) => Record<OptimizerName, GroupSettings>;
  onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Called with every newer checkpoint of a run that is damaged, and the reason. */
  onSkipped?: (dir: string, error: InputError) => void;
}

export type ExportedConfig = Pick<Config, 'model' | 'training'> & { losses?: Config['losses'] | undefined };

const configSchema = z.looseObject({
  model: configShape.shape.model,
  training: configShape.shape.training,
  losses: configShape.shape.losses.optional(),
});

/** The tensors of a file, with those of one network at a time in memory. */
class TensorFile {
  private readonly path: string;
  private readonly names: ReadonlySet<string>;
  /** The tensors in memory, by part. */
  private readonly held = new Map<string, { group: string; tensors: Map<string, StoredTensor> }>();

  private constructor(path: string, names: ReadonlySet<string>) {
    this.path = path;
    this.names = names;
  }

  static async open(path: string | undefined): Promise<TensorFile> {
    if (path === undefined || !(await isFile(path))) return new TensorFile('', new Set());
    return new TensorFile(path, new Set((await readSafetensorsHeader(path)).entries.keys()));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /** @param name `[PART/]NETWORK/PATH`. */
  async get(name: string): Promise<StoredTensor | undefined> {
    if (!this.names.has(name)) return undefined;
    const group = name.slice(0, name.lastIndexOf('/') + 1);
    const part = group.includes('/', group.indexOf('/') + 1) ? group.slice(0, group.indexOf('/')) : '';
    if (this.held.get(part)?.group !== group) {
      this.held.delete(part);
      const names = [...this.names].filter((tensor) => tensor.startsWith(group));
      this.held.set(part, { group, tensors: (await readSafetensors(this.path, { names })).tensors });
    }
    return this.held.get(part)!.tensors.get(name);
  }
}

/** The files of a checkpoint as the reference's tensors. */
class Exporter {
  readonly specs: Record<NetworkName, ParameterSpecs>;
  private readonly model: TensorFile;
  private readonly training: TensorFile;
  private readonly asImported: TensorFile;

  private constructor(config: ExportedConfig, files: TensorFile[]) {
    this.specs = networkSpecs(config.model);
    [this.model, this.training, this.asImported] = files as [TensorFile, TensorFile, TensorFile];
  }

  static async open(
    { dir, modelPath, trainingPath }: ResolvedCheckpoint,
    config: ExportedConfig,
  ): Promise<Exporter> {
    const paths = [modelPath, trainingPath, join(dir, AS_IMPORTED)];
    return new Exporter(config, await Promise.all(paths.map((path) => TensorFile.open(path))));
  }

  private place(part: Part, name: string): { file: TensorFile; name: string } {
    return part === 'ema' ? { file: this.model, name } : { file: this.training, name: `${part}/${name}` };
  }

  /** Whether the checkpoint has the parameters of a network. */
  has(part: Part, network: NetworkName): boolean {
    const { file, name } = this.place(part, `${network}/${Object.keys(this.specs[network])[0]}`);
    return file.has(name);
  }

  /** A tensor in the reference's layout and scale; zeros for a first moment that was not stored. */
  private async read(part: Part, network: NetworkName, path: string): Promise<Float32Array> {
    const spec = this.specs[network][path]!;
    const { file, name } = this.place(part, `${network}/${path}`);
    const tensor = await file.get(name);
    const kept = await this.asImported.get(`${part}/${network}/${path}`);
    if (tensor === undefined && part === 'first')
      return restoreRounding(new Float32Array(spec.shape.reduce((product, n) => product * n, 1)), kept);
    if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== spec.shape.join())
      throw new InputError({
        expected: `the tensor ${name} of shape [${spec.shape}] in the checkpoint`,
        found: tensor === undefined ? 'none' : `one of shape [${tensor.shape}]`,
        remedy: 'use the config.json that belongs to these weights',
      });
    return restoreRounding(toTorchTensor(spec, tensor.data, GAIN_POWERS[part]).data, kept);
  }

  /** Adam's count of steps for a parameter. */
  private async stepsOf(network: NetworkName, path: string, step: number): Promise<Float32Array> {
    const imported = await this.asImported.get(`step/${network}/${path}`);
    return imported ? (imported.data as Float32Array) : Float32Array.of(step);
  }

  tensor(part: Part, network: NetworkName, path: string): TensorToPickle {
    const shape = torchShapeOf(this.specs[network][path]!);
    return new TensorToPickle(shape, () => this.read(part, network, path));
  }

  stateDict(part: 'ema' | 'values', network: NetworkName): OrderedDict {
    const specs = this.specs[network];
    const buffers = buffersOf(specs);
    const entries = [...stateDictShapes(specs).keys()].map((path): [string, PythonValue] => {
      const buffer = buffers.get(path);
      return [
        path,
        buffer ? new TensorToPickle(BUFFER_SHAPE, () => buffer) : this.tensor(part, network, path),
      ];
    });
    return new OrderedDict(entries);
  }

  optimizer(name: OptimizerName, step: number, group: GroupSettings, initialRate: number): PythonValue {
    const state = new Map<number, PythonValue>();
    for (const network of OPTIMIZERS[name])
      for (const path of parameterOrder(this.specs[network]))
        state.set(
          state.size,
          new Map<string, PythonValue>([
            ['step', new TensorToPickle([], () => this.stepsOf(network, path, step))],
            ['exp_avg', this.tensor('first', network, path)],
            ['exp_avg_sq', this.tensor('second', network, path)],
          ]),
        );
    const settings = new Map<string, PythonValue>([
      ['lr', new PythonFloat(group.learningRate)],
      ['betas', new Tuple([new PythonFloat(group.betas.first), new PythonFloat(group.betas.second)])],
      ['eps', new PythonFloat(ADAM_EPSILON)],
      ['weight_decay', 0],
      ['amsgrad', false],
      ['maximize', false],
      ['foreach', null],
      ['capturable', false],
      ['differentiable', false],
      ['fused', null],
      ['decoupled_weight_decay', false],
      ['initial_lr', new PythonFloat(initialRate)],
      ['params', [...state.keys()]],
    ]);
    return new Map<string, PythonValue>([
      ['state', state],
      ['param_groups', [settings]],
    ]);
  }
}

/** The config for the file, without local paths. */
function portableConfig({ model, training, losses }: ExportedConfig): string {
  const { lpips, ...otherLosses } = losses ?? {};
  const portable = lpips && { ...otherLosses, lpips: { weight: lpips.weight } };
  return JSON.stringify({ model, training, ...(portable && { losses: portable }) });
}

export interface ExportReport {
  /** The checkpoint that was exported. */
  dir: string;
  /** Training steps of that checkpoint. */
  step: number;
  /** Keys of the file's dictionary. */
  keys: string[];
}

/**
 * Writes a checkpoint as the reference saves its own: `torch.load` reads it (with `weights_only=True` too), and its
 * networks and optimizers accept it strictly (`load_state_dict`). Discriminators and optimizers are omitted if the
 * checkpoint has none, as in an exported model. Weights and moments are divided by their gains and rounded once; those of
 * an imported checkpoint come out bit for bit. If Adam's first decay rate is 0, first moments are zeros: Adam overwrites
 * them in the next step, so training continues exactly.
 *
 * @param checkpoint a checkpoint, a run (its newest checkpoint) or a model folder. @param outFile is replaced if it exists.
 * @throws InputError that names the missing or damaged file, or a variant that the reference does not have; RunError if the
 *   file cannot be written.
 */
export async function exportReferenceCheckpoint(
  checkpoint: string,
  outFile: string,
  { settings, onProgress, onSkipped }: ExportOptions,
): Promise<ExportReport> {
  const resolved = await resolveCheckpoint(checkpoint, onSkipped ? { onSkipped } : {});
  const config = await readModelConfig(resolved.configPath, configSchema);
  rejectUnreleased(config.model.variant);
  const step = resolved.statePath === undefined ? 0 : (await readState(resolved.statePath)).step;
  const exporter = await Exporter.open(resolved, config);
  const root = new Map<string, PythonValue>();
  for (const network of NETWORK_NAMES)
    if (exporter.has('values', network)) root.set(network, exporter.stateDict('values', network));
  for (const [averaged, network] of Object.entries(AVERAGED))
    if (exporter.has('ema', network)) root.set(averaged, exporter.stateDict('ema', network));
  if (NETWORK_NAMES.every((network) => exporter.has('second', network))) {
    const groups = settings(config, step);
    for (const name of Object.keys(OPTIMIZERS) as OptimizerName[])
      root.set(name, exporter.optimizer(name, step, groups[name], config.training.learningRate));
  }
  // The reference stores the number of the last step, counted from 0.
  if (resolved.statePath !== undefined) root.set('iter', Math.max(0, step - 1));
  root.set(CONFIG_KEY, portableConfig(config));
  await writeTorchFile(outFile, root, { onProgress });
  return { dir: resolved.dir, step, keys: [...root.keys()] };
}
