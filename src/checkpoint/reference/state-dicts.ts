// Finds the networks' state_dicts in a file, whatever wraps their names.
import { NETWORK_NAMES } from '../../model/networks.js';
import { Opaque } from '../torch-file/unpickler.js';
import { TorchTensorRef, UnreadableTensor } from '../torch-file/values.js';
import { AVERAGED } from './networks.js';

/** A tensor of a file, or one that cannot be read as it stands. */
export type FileTensor = TorchTensorRef | UnreadableTensor;
export type FileDict = ReadonlyMap<string, FileTensor>;

/** The networks of the reference's checkpoints. */
export const KNOWN_NETWORKS: readonly string[] = [...NETWORK_NAMES, ...Object.keys(AVERAGED)];

/**
 * Parts of names that wrappers add, anywhere in a name: DataParallel and DistributedDataParallel (`module`), torch.compile
 * (`_orig_mod`), FSDP, activation checkpointing, Lightning's and DeepSpeed's strategies. No module of the reference has one.
 */
const WRAPPERS = new Set([
  ...['module', '_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module', '_forward_module'],
  ...['_original_module', '_ddp_module'],
]);
/** The modules at the top of the reference's networks. */
const TOP_MODULES = new Set([
  ...['encoder', 'mapping', 'adain_bottleneck', 'conv1', 'to_rgb1', 'convs', 'to_rgbs'],
  ...['stem', 'l_branch', 'g_branch', 'g_adv', 'l_adv', 'g_std', 'l_std', 'g_final', 'l_final', 'fc'],
]);
/** Last parts of names that training tools put beside the weights: averaging's count, thop's, modules' own state. */
const BESIDE_WEIGHTS = new Set([
  'n_averaged',
  'total_ops',
  'total_params',
  'num_batches_tracked',
  '_extra_state',
]);
/** How deep dictionaries of dictionaries are searched; cycles end there, too. */
const MAX_DEPTH = 4;

/** The dictionary that a value is: itself, or the entries of a class that is a kind of dictionary. */
export function asMap(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
  if (value instanceof Map) return value as ReadonlyMap<unknown, unknown>;
  return value instanceof Opaque ? value.items : undefined;
}

/** Whether a value is a module that was pickled whole, with its class, in place of its weights. */
export function isModule(value: unknown): value is Opaque {
  if (!(value instanceof Opaque) || !(value.state instanceof Map)) return false;
  const state = value.state as ReadonlyMap<unknown, unknown>;
  return state.has('_modules') && state.has('_parameters');
}

/** Reads the name of a network as the reference writes it, or in other case (`g_a2b_EMA`). */
function networkNamed(part: string): string | undefined {
  return KNOWN_NETWORKS.find((known) => known.toLowerCase() === part.toLowerCase());
}

/** Whether a key of a dictionary says that its networks are averages (`ema`, `g_ema`, `params_ema`, `averaged`). */
export const saysAveraged = (key: string): boolean => /(^|_)ema(_|$)|^averaged?s?$/i.test(key);

function averagedName(network: string): string {
  const averaged = Object.entries(AVERAGED).find(([, raw]) => raw === network);
  return averaged?.[0] ?? network;
}

/** A name without the parts that wrappers add. */
function unwrap(name: string): string[] {
  return name.split('.').filter((part) => !WRAPPERS.has(part));
}

/** Names without a first part that all share and that is no module of the networks (`generator.`, `net.`). */
function withoutCommonPrefix(names: readonly string[][]): string[][] {
  let rest = [...names];
  for (;;) {
    const head = rest[0]?.[0];
    const isShared = head !== undefined && rest.every((parts) => parts.length > 1 && parts[0] === head);
    if (!isShared || TOP_MODULES.has(head) || /^\d+$/.test(head)) return rest;
    rest = rest.map((parts) => parts.slice(1));
  }
}

/** Tensors under one key, with the names that the reference gives them. */
export interface NamedDict {
  tensors: FileDict;
  /** Names of what is no tensor, and is not read. */
  others: string[];
  /** Two names of the file that mean the same tensor, if there are any. */
  twice: [string, string] | undefined;
}

/** The tensors of a `state_dict`, without wrappers' parts of names, and without counters beside the weights. */
export function cleanDict(entries: Iterable<readonly [string, unknown]>): NamedDict {
  const others: string[] = [];
  const kept: { name: string; parts: string[]; tensor: FileTensor }[] = [];
  for (const [name, tensor] of entries) {
    const parts = unwrap(name);
    const isTensor = tensor instanceof TorchTensorRef || tensor instanceof UnreadableTensor;
    if (!isTensor) others.push(parts.join('.'));
    else if (!BESIDE_WEIGHTS.has(parts.at(-1)!)) kept.push({ name, parts, tensor });
  }
  const names = withoutCommonPrefix(kept.map(({ parts }) => parts)).map((parts) => parts.join('.'));
  const tensors = new Map<string, FileTensor>();
  const origins = new Map<string, string>();
  let twice: NamedDict['twice'];
  for (const [i, { name, tensor }] of kept.entries()) {
    const known = origins.get(names[i]!);
    if (known !== undefined) twice ??= [known, name];
    origins.set(names[i]!, name);
    tensors.set(names[i]!, tensor);
  }
  return { tensors, others, twice };
}

/** Whether tensors are those of a generator, of an image discriminator or of the discriminator of style codes. */
export function kindOf(tensors: FileDict): 'generator' | 'image' | 'latent' | undefined {
  if (tensors.has('mapping.0.weight') && tensors.has('encoder.content.0.0.weight')) return 'generator';
  const names = [...tensors.keys()];
  if (names.some((name) => name.startsWith('g_branch.'))) return 'image';
  return tensors.has('fc.0.weight') && names.every((name) => name.startsWith('fc.')) ? 'latent' : undefined;
}

/** What a search of a file finds. */
export interface Found {
  /** Networks by the reference's names. */
  networks: Map<string, NamedDict>;
  /** State dictionaries without a network's name, by their keys in the file (empty: the file itself). */
  unnamed: Map<string, NamedDict>;
  /** Modules that were pickled whole, by their keys. */
  modules: Map<string, Opaque>;
  /** Values under a network's name that are no dictionaries, by their keys. */
  wrong: Map<string, unknown>;
  /** All other values, by their keys. */
  others: Map<string, unknown>;
}

/** Finds state dictionaries in a file's value, in dictionaries of dictionaries too (`state_dict`, `ema`, `model`). */
export function findDicts(root: unknown): Found {
  const found: Found = {
    networks: new Map(),
    unnamed: new Map(),
    modules: new Map(),
    wrong: new Map(),
    others: new Map(),
  };
  visit(root, [], false, found);
  return found;
}

function visit(value: unknown, keys: readonly string[], isAveraged: boolean, found: Found): void {
  const key = keys.join('.');
  const named = keys.length > 0 ? networkNamed(keys.at(-1)!) : undefined;
  const network = named !== undefined && isAveraged ? averagedName(named) : named;
  if (isModule(value)) {
    found.modules.set(key, value);
    return;
  }
  const map = asMap(value);
  if (network !== undefined) {
    if (map === undefined) found.wrong.set(network, value);
    else if (!found.networks.has(network)) found.networks.set(network, cleanDict(textEntries(map)));
    return;
  }
  // An optimizer has tensors, too, by numbers of parameters.
  if (map === undefined || keys.length >= MAX_DEPTH || map.has('param_groups')) {
    found.others.set(key, value);
    return;
  }
  const entries = textEntries(map);
  const tensors = entries.filter(([, v]) => v instanceof TorchTensorRef || v instanceof UnreadableTensor);
  if (tensors.length > 0) addTensors(tensors, key, isAveraged, found);
  else if (keys.length > 0) found.others.set(key, value);
  for (const [name, item] of entries) {
    if (item instanceof TorchTensorRef || item instanceof UnreadableTensor) continue;
    visit(item, [...keys, name], isAveraged || saysAveraged(name), found);
  }
}

function textEntries(map: ReadonlyMap<unknown, unknown>): [string, unknown][] {
  return [...map].filter((entry): entry is [string, unknown] => typeof entry[0] === 'string');
}

/** Sorts the tensors of one dictionary by the network whose name is in theirs (`G_A2B_ema.encoder...`). */
function addTensors(
  tensors: readonly [string, unknown][],
  key: string,
  isAveraged: boolean,
  found: Found,
): void {
  const groups = new Map<string, [string, unknown][]>();
  for (const [name, tensor] of tensors) {
    const parts = unwrap(name);
    const at = parts.findIndex((part) => networkNamed(part) !== undefined);
    const named = at < 0 ? undefined : networkNamed(parts[at]!)!;
    const averaged = isAveraged || parts.slice(0, Math.max(at, 0)).some(saysAveraged);
    const network = named !== undefined && averaged ? averagedName(named) : named;
    const group = network ?? '';
    const rest = named === undefined ? name : parts.slice(at + 1).join('.');
    const entries = groups.get(group) ?? [];
    entries.push([rest, tensor]);
    groups.set(group, entries);
  }
  for (const [network, entries] of groups) {
    if (network === '') found.unnamed.set(key, cleanDict(entries));
    else if (!found.networks.has(network)) found.networks.set(network, cleanDict(entries));
  }
}
