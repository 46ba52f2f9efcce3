// Checks the contents of a reference checkpoint.
import { InputError } from '../../base/errors.js';
import { NETWORK_NAMES } from '../../model/networks.js';
import type { ParameterSpecs } from '../../model/parameters.js';
import type { TorchFile } from '../torch-file/torch-file.js';
import { TorchTensorRef } from '../torch-file/values.js';
import {
  AVERAGED,
  BUFFER_SHAPE,
  buffersOf,
  OPTIMIZERS,
  type OptimizerName,
  stateDictShapes,
} from './networks.js';

/** The key of the config in files that this project exports; the reference ignores it. */
export const CONFIG_KEY = 'gnr_config';
/** Tensors may share numbers (networks saved under two names), but not without limit. */
const MAX_USES_OF_A_BYTE = 8;

export type StateDict = ReadonlyMap<string, TorchTensorRef>;

/** An optimizer's `state_dict`. */
export interface OptimizerState {
  /** Numbers of the parameters, in the order of the optimizer. */
  ids: readonly unknown[];
  /** Adam's state by these numbers. */
  state: ReadonlyMap<unknown, unknown>;
  /** The settings of its (first) group. */
  settings: ReadonlyMap<unknown, unknown>;
}

/** The contents of a reference checkpoint. */
export interface ReferenceFile {
  /** Of the names in `NETWORK_NAMES` and `AVERAGED`, those that are there. */
  networks: Map<string, StateDict>;
  optimizers: Map<OptimizerName, OptimizerState>;
  /** Number of the last step, counted from 0. */
  iter: number | undefined;
  /** The config in a file that this project exported. */
  config: unknown;
  /** Other keys, which have no meaning here. */
  ignored: string[];
}

export const OTHER_FILE = "use a checkpoint of the reference implementation's branch main or train";

function wrongKey(file: string, key: string, expected: string, found: string): InputError {
  return new InputError({ expected: `${expected} in ${key} of ${file}`, found, remedy: OTHER_FILE });
}

function stateDictOf(file: string, name: string, value: unknown): StateDict {
  if (!(value instanceof Map)) throw wrongKey(file, name, 'the tensors of a network', 'something else');
  const entries = [...(value as Map<unknown, unknown>)];
  for (const [key, tensor] of entries)
    if (typeof key !== 'string' || !(tensor instanceof TorchTensorRef))
      throw wrongKey(
        file,
        name,
        'tensors by name',
        `${typeof key === 'string' ? key : 'a key'}, which is none`,
      );
  const tensors = entries as [string, TorchTensorRef][];
  // DataParallel puts this before every name.
  const isWrapped = tensors.length > 0 && tensors.every(([key]) => key.startsWith('module.'));
  return new Map(tensors.map(([key, tensor]) => [isWrapped ? key.slice('module.'.length) : key, tensor]));
}

function optimizerOf(file: string, name: string, value: unknown): OptimizerState {
  const dict: unknown = value instanceof Map ? value : new Map();
  const state: unknown = (dict as Map<unknown, unknown>).get('state');
  const groups: unknown = (dict as Map<unknown, unknown>).get('param_groups');
  const isRight =
    state instanceof Map && Array.isArray(groups) && groups.every((group) => group instanceof Map);
  if (!isRight || groups.length === 0)
    throw wrongKey(file, name, "an optimizer's state and param_groups", 'something else');
  const all = groups as ReadonlyMap<unknown, unknown>[];
  const ids = all.flatMap((group) => {
    const params = group.get('params');
    return Array.isArray(params) ? (params as unknown[]) : [];
  });
  return { ids, state, settings: all[0]! };
}

/** @throws InputError that names a key which is not as the reference saves it. */
export function parseReferenceFile(file: TorchFile): ReferenceFile {
  const { root, path } = file;
  const known: readonly string[] = [...NETWORK_NAMES, ...Object.keys(AVERAGED)];
  const networks: ReferenceFile['networks'] = new Map();
  const optimizers: ReferenceFile['optimizers'] = new Map();
  const ignored: string[] = [];
  let iter: number | undefined;
  let config: unknown;
  const entries = root instanceof Map ? [...(root as Map<unknown, unknown>)] : [];
  for (const [key, value] of entries) {
    if (typeof key !== 'string') continue;
    if (known.includes(key)) networks.set(key, stateDictOf(path, key, value));
    else if (key in OPTIMIZERS) optimizers.set(key as OptimizerName, optimizerOf(path, key, value));
    else if (key === 'iter' && Number.isSafeInteger(value)) iter = value as number;
    else if (key === CONFIG_KEY && typeof value === 'string') config = parseConfig(path, value);
    else ignored.push(key);
  }
  if (networks.size === 0)
    throw new InputError({
      expected: `at least one of the networks ${known.join(', ')} in ${path}`,
      found: ignored.length === 0 ? 'none' : `the keys ${ignored.slice(0, 10).join(', ')}`,
      remedy: OTHER_FILE,
    });
  checkAmount(file, networks);
  return { networks, optimizers, iter, config, ignored };
}

function parseConfig(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrongKey(file, CONFIG_KEY, 'a config as JSON', 'something else');
  }
}

/** Limits the memory: a small file could otherwise claim all of it, with many names for the same numbers. */
function checkAmount(file: TorchFile, networks: ReferenceFile['networks']): void {
  const bytes = [...networks.values()]
    .flatMap((dict) => [...dict.values()])
    .reduce((sum, t) => sum + t.bytes, 0);
  if (bytes <= MAX_USES_OF_A_BYTE * file.bytes) return;
  throw new InputError({
    expected: `about as many numbers as bytes allow in ${file.path}`,
    found: `tensors of ${bytes} bytes in a file of ${file.bytes}`,
    remedy: OTHER_FILE,
  });
}

/** @throws InputError that names the first tensor which is missing, misshapen or not the network's. */
export function checkStateDict(file: TorchFile, name: string, dict: StateDict, specs: ParameterSpecs): void {
  const shapes = stateDictShapes(specs);
  const remedy = `${OTHER_FILE}; set what its shapes do not determine with --set model.KEY=VALUE`;
  for (const [path, shape] of shapes) {
    const tensor = dict.get(path);
    if (tensor?.shape.join() === shape.join() && /float/.test(tensor.dtype)) continue;
    const found = tensor === undefined ? 'none' : `one of ${tensor.dtype} and shape [${tensor.shape}]`;
    const expected = `the tensor ${path} of shape [${shape}] in ${name} of ${file.path}`;
    throw new InputError({ expected, found, remedy });
  }
  for (const path of dict.keys())
    if (!shapes.has(path))
      throw new InputError({
        expected: `only the tensors of the network in ${name} of ${file.path}`,
        found: `also ${path}`,
        remedy,
      });
}

/** @throws InputError that names a blur filter which is not that of this project's layers. */
export async function checkBuffers(
  file: TorchFile,
  name: string,
  dict: StateDict,
  specs: ParameterSpecs,
): Promise<void> {
  for (const [path, expected] of buffersOf(specs)) {
    const values = await file.read(dict.get(path)!);
    if (values.every((value, i) => value === expected[i])) continue;
    throw new InputError({
      expected: `the blur filter of [1, 3, 3, 1] (shape [${BUFFER_SHAPE}]) in ${path} of ${name} of ${file.path}`,
      found: 'another filter',
      remedy: OTHER_FILE,
    });
  }
}
