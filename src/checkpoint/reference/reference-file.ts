// Checks the contents of a reference checkpoint.
import { InputError } from '../../base/errors.js';
import type { ParameterSpecs } from '../../model/parameters.js';
import type { TensorFile } from '../torch-file/torch-file.js';
import { ClassRef, Opaque } from '../torch-file/unpickler.js';
import { TorchTensorRef, UnreadableTensor } from '../torch-file/values.js';
import { BUFFER_SHAPE, buffersOf, OPTIMIZERS, type OptimizerName, stateDictShapes } from './networks.js';
import {
  asMap,
  type FileDict,
  type Found,
  findDicts,
  KNOWN_NETWORKS,
  kindOf,
  type NamedDict,
  saysAveraged,
} from './state-dicts.js';

/** The key of the config in files that this project exports; the reference ignores it. */
export const CONFIG_KEY = 'gnr_config';
/** Tensors may share numbers (networks saved under two names), but not without limit. */
const MAX_USES_OF_A_BYTE = 8;
/** Folders of checkpoints have the number of their step in 15 digits at most. */
const MAX_ITERATIONS = 1e12;

export type StateDict = FileDict;

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
  iter: number | TorchTensorRef | undefined;
  /** The config in a file that this project exported. */
  config: unknown;
  /** Other keys, which have no meaning here, with the class of their value if it is one of Python's. */
  ignored: string[];
}

export const OTHER_FILE = "use a checkpoint of the reference implementation's branch main or train";
const ANY_OF_THE_NETWORKS = `at least one of the networks ${KNOWN_NETWORKS.join(', ')}`;

function wrongKey(file: string, key: string, expected: string, found: string): InputError {
  return new InputError({ expected: `${expected} in ${key} of ${file}`, found, remedy: OTHER_FILE });
}

/** The tensors of a network. @throws InputError for something else in place of a tensor, or two names of one tensor. */
function stateDictOf(file: string, name: string, { tensors, others, twice }: NamedDict): StateDict {
  const wrong = others.find((path) => /(^|\.)(weight|bias|kernel)$/.test(path));
  if (wrong !== undefined) throw wrongKey(file, name, 'tensors by name', `${wrong}, which is none`);
  if (twice !== undefined)
    throw wrongKey(file, name, 'one tensor of each name', `${twice.join(' and ')}, which mean the same one`);
  return tensors;
}

function optimizerOf(file: string, name: string, value: unknown): OptimizerState {
  const dict = asMap(value);
  const state: unknown = dict?.get('state');
  const groups: unknown = dict?.get('param_groups');
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

/** The error for a file that has a module, with its class, in place of weights. */
function wholeModule(file: string, key: string, { name }: Opaque): InputError {
  const place = key === '' ? '' : ` under ${key}`;
  const access =
    key === ''
      ? ''
      : key
          .split('.')
          .map((part) => `[${JSON.stringify(part)}]`)
          .join('');
  return new InputError({
    expected: `weights by name (a state_dict) in ${file}`,
    found: `a whole module of the class ${name}${place}, which only Python with the code of that class can read`,
    remedy: `in Python, where that code is, run torch.save(torch.load("FILE", weights_only=False)${access}.state_dict(), "weights.pt") and import weights.pt with --as ${key || 'G_A2B_ema'}`,
  });
}

/** Network and key (undefined: the only one that fits) of a text `NAME` or `KEY=NAME`. */
function parseName(text: string): { key: string | undefined; name: string } {
  const at = text.lastIndexOf('=');
  const given = text.slice(at + 1);
  const name = KNOWN_NETWORKS.find((known) => known.toLowerCase() === given.toLowerCase());
  if (name !== undefined) return { key: at < 0 ? undefined : text.slice(0, at), name };
  throw new InputError({
    expected: `--as with one of ${KNOWN_NETWORKS.join(', ')}`,
    found: text,
    remedy:
      'write --as G_A2B_ema for a generator from photo to anime, or --as KEY=G_A2B_ema if the file has several',
  });
}

const KINDS = { G: 'generator', A: 'image', B: 'image', L: 'latent' } as const;

function kindOfNetwork(name: string): 'generator' | 'image' | 'latent' {
  return name.startsWith('G') ? 'generator' : KINDS[name.at(-1) as 'A' | 'B' | 'L'];
}

/** The state dictionary without a network's name that `--as` means. @throws InputError if there is none, or several. */
function dictFor(
  file: string,
  { unnamed, networks }: Found,
  key: string | undefined,
  name: string,
): NamedDict {
  const fitting = [...unnamed].filter(([, { tensors }]) => kindOf(tensors) === kindOfNetwork(name));
  const wanted = name.endsWith('_ema');
  const preferred = fitting.filter(([at]) => at.split('.').some(saysAveraged) === wanted);
  let chosen = fitting.length > 1 && preferred.length === 1 ? preferred : fitting;
  if (key !== undefined) chosen = [...unnamed].filter(([at]) => at === key);
  if (chosen.length === 1) return chosen[0]![1];
  const keys = fitting.map(([at]) => at || 'the file itself').join(', ');
  const named = [...networks.keys()].join(', ');
  let found = 'none';
  if (fitting.length > 0) found = `those under ${keys}`;
  else if (networks.size > 0) found = `networks with names, ${named}`;
  else if (unnamed.size > 0) found = 'tensors of another network';
  throw new InputError({
    expected: `one set of weights ${key === undefined ? '' : `under ${key} `}for ${name} in ${file}`,
    found,
    remedy:
      fitting.length > 0 ? `name one: --as KEY=${name}` : networks.size > 0 ? 'remove --as' : OTHER_FILE,
  });
}

/** The error for a file without a network's name. */
function noNetworks(file: string, found: Found): InputError {
  const generators = [...found.unnamed].filter(([, { tensors }]) => kindOf(tensors) === 'generator');
  if (generators.length > 0) {
    const [key] = generators[0]!;
    const places = generators.map(([at]) => at).filter((at) => at !== '');
    const word = generators.length > 1 ? `${key}=G_A2B_ema` : 'G_A2B_ema';
    return new InputError({
      expected: `${ANY_OF_THE_NETWORKS} in ${file}`,
      found: `the weights of a generator without a name${places.length > 0 ? ` (under ${places.join(', ')})` : ''}`,
      remedy: `say which one it is: --as ${word} (photo to anime), or the same with G_B2A_ema (anime to photo)`,
    });
  }
  const known: readonly string[] = ['iter', CONFIG_KEY, ...Object.keys(OPTIMIZERS)];
  const keys = [...found.others.keys(), ...found.unnamed.keys()].filter(
    (key) => key !== '' && !key.includes('.') && !known.includes(key),
  );
  const inside = [...(found.unnamed.get('')?.tensors.keys() ?? [])];
  const names = [...keys, ...inside].slice(0, 10).map((key) => key.slice(0, 100));
  return new InputError({
    expected: `${ANY_OF_THE_NETWORKS} in ${file}`,
    found: names.length === 0 ? 'none' : `the keys ${names.join(', ')}`,
    remedy: OTHER_FILE,
  });
}

/** The networks of a file by the reference's names. */
function networksOf(file: string, found: Found, as: readonly string[]): Map<string, StateDict> {
  const [wrong] = found.wrong;
  if (wrong) throw wrongKey(file, wrong[0], 'the tensors of a network', describeValue(wrong[1]));
  const module = [...found.modules].find(([key]) => key === '' || KNOWN_NETWORKS.includes(key));
  if (module) throw wholeModule(file, ...module);
  const networks = new Map<string, StateDict>();
  for (const [name, dict] of found.networks) networks.set(name, stateDictOf(file, name, dict));
  for (const text of as) {
    const { key, name } = parseName(text);
    networks.set(name, stateDictOf(file, name, dictFor(file, found, key, name)));
  }
  const [other] = found.modules;
  if (networks.size === 0) throw other ? wholeModule(file, ...other) : noNetworks(file, found);
  return networks;
}

function describeValue(value: unknown): string {
  if (value instanceof Opaque || value instanceof ClassRef) return `an object of the class ${value.name}`;
  if (value instanceof UnreadableTensor) return value.what;
  return 'something else';
}

/**
 * The networks, optimizers and settings of a file.
 *
 * @param as names for networks that have none in the file, `NAME` or `KEY=NAME`.
 * @throws InputError that names a key which is not as the reference saves it.
 */
export function parseReferenceFile(file: TensorFile, as: readonly string[] = []): ReferenceFile {
  const { root, path } = file;
  const found = findDicts(root);
  const networks = networksOf(path, found, as);
  const optimizers: ReferenceFile['optimizers'] = new Map();
  const ignored: string[] = [...found.modules.keys()];
  let iter: ReferenceFile['iter'];
  let config: unknown;
  for (const [key, value] of asMap(root) ?? []) {
    if (typeof key !== 'string' || isNetwork(found, key)) continue;
    const isObject = value instanceof Opaque && asMap(value) === undefined;
    if (Object.hasOwn(OPTIMIZERS, key) && !isObject)
      optimizers.set(key as OptimizerName, optimizerOf(path, key, value));
    else if (key === 'iter' && isCount(value)) iter = iterationOf(path, value);
    else if (key === CONFIG_KEY && typeof value === 'string') config = parseConfig(path, value);
    else if (!(value instanceof TorchTensorRef)) ignored.push(isObject ? `${key} (${value.name})` : key);
  }
  checkAmount(file, networks);
  return { networks, optimizers, iter, config, ignored };
}

/** Whether a key leads to a network, with or without a name. */
function isNetwork({ networks, unnamed }: Found, key: string): boolean {
  const isBelow = (at: string): boolean => at === key || at.startsWith(`${key}.`);
  return networks.has(key) || [...unnamed.keys()].some(isBelow);
}

const isCount = (value: unknown): value is number | bigint | TorchTensorRef =>
  (typeof value === 'number' && Number.isInteger(value)) ||
  typeof value === 'bigint' ||
  (value instanceof TorchTensorRef && value.elements === 1);

/** The number of the last step. @throws InputError for one that no training reaches. */
function iterationOf(file: string, value: number | bigint | TorchTensorRef): number | TorchTensorRef {
  return value instanceof TorchTensorRef ? value : checkedIteration(file, Number(value));
}

/** @throws InputError for a number of steps that no training reaches. */
export function checkedIteration(file: string, iter: number): number {
  if (Number.isInteger(iter) && iter >= 0 && iter <= MAX_ITERATIONS) return iter;
  throw new InputError({
    expected: `a count of steps from 0 to ${MAX_ITERATIONS} in iter of ${file}`,
    found: String(iter),
    remedy: OTHER_FILE,
  });
}

function parseConfig(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrongKey(file, CONFIG_KEY, 'a config as JSON', 'something else');
  }
}

/** Limits the memory: a small file could otherwise claim all of it, with many names for the same numbers. */
function checkAmount(file: TensorFile, networks: ReferenceFile['networks']): void {
  let bytes = 0;
  for (const dict of networks.values())
    for (const tensor of dict.values()) if (tensor instanceof TorchTensorRef) bytes += tensor.bytes;
  if (bytes <= MAX_USES_OF_A_BYTE * file.bytes) return;
  throw new InputError({
    expected: `about as many numbers as bytes allow in ${file.path}`,
    found: `tensors of ${bytes} bytes in a file of ${file.bytes}`,
    remedy: OTHER_FILE,
  });
}

const FLOATS: readonly string[] = ['float32', 'float64', 'float16', 'bfloat16'];

function unreadable(expected: string, { what, remedy }: UnreadableTensor): InputError {
  return new InputError({
    expected,
    found: what,
    remedy: `in Python, replace it by its .${remedy} and save the file again`,
  });
}

/** @throws InputError that names a tensor whose numbers cannot be read as they stand. */
export function rejectUnreadable(file: TensorFile, name: string, dict: StateDict): void {
  for (const [path, tensor] of dict)
    if (tensor instanceof UnreadableTensor)
      throw unreadable(`numbers in the tensor ${path} in ${name} of ${file.path}`, tensor);
}

/**
 * Checks the tensors of a network. Its constants (blur filters) may be missing.
 *
 * @throws InputError that names the first tensor which is missing, misshapen, unreadable or not the network's.
 */
export function checkStateDict(file: TensorFile, name: string, dict: StateDict, specs: ParameterSpecs): void {
  const shapes = stateDictShapes(specs);
  const constants = buffersOf(specs);
  const remedy = `${OTHER_FILE}; set what its shapes do not determine with --set model.KEY=VALUE`;
  for (const [path, shape] of shapes) {
    const tensor = dict.get(path);
    if (tensor === undefined && constants.has(path)) continue;
    const expected = `the tensor ${path} of shape [${shape}] in ${name} of ${file.path}`;
    if (tensor instanceof UnreadableTensor) throw unreadable(expected, tensor);
    if (tensor?.shape.join() !== shape.join()) {
      const found = tensor === undefined ? 'none' : `one of ${tensor.dtype} and shape [${tensor.shape}]`;
      throw new InputError({ expected, found, remedy });
    }
    if (!FLOATS.includes(tensor.dtype))
      throw new InputError({
        expected: `${expected} in ${FLOATS.join(', ')}`,
        found: tensor.dtype,
        remedy: 'in Python, convert the weights to float32 with their scale, and save the file again',
      });
  }
  for (const path of dict.keys())
    if (!shapes.has(path))
      throw new InputError({
        expected: `only the tensors of the network in ${name} of ${file.path}`,
        found: `also ${path}`,
        remedy,
      });
}

/** @throws InputError which names a blur filter that is not that of this project's layers. */
export async function checkBuffers(
  file: TensorFile,
  name: string,
  dict: StateDict,
  specs: ParameterSpecs,
): Promise<void> {
  for (const [path, expected] of buffersOf(specs)) {
    const tensor = dict.get(path);
    if (!(tensor instanceof TorchTensorRef)) continue;
    const values = await file.read(tensor);
    if (values.every((value, i) => value === expected[i])) continue;
    throw new InputError({
      expected: `the blur filter of [1, 3, 3, 1] (shape [${BUFFER_SHAPE}]) in ${path} of ${name} of ${file.path}`,
      found: 'another filter',
      remedy: OTHER_FILE,
    });
  }
}

/** The tensor of a checked `state_dict`. */
export function tensorAt(dict: StateDict, path: string): TorchTensorRef {
  return dict.get(path) as TorchTensorRef;
}
