// Pretrained weights with numbers by a formula.
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { OrderedDict, TensorToPickle } from '../../src/checkpoint/torch-file/python-values.js';
import type { TorchTensor } from '../../src/checkpoint/torch-layout.js';
import { CONVERTER_VERSION, placeOf, type WeightsRecord } from '../../src/weights/cache.js';
import { identityOf } from '../../src/weights/file-hash.js';
import { KNOWN_WEIGHTS, type OfficialFile } from '../../src/weights/known.js';
import type { WeightName } from '../../src/weights/names.js';
import { formulaTensor, readJson } from './reference.js';

/** Seed of a module, and the key of `metrics.json` that has its sorted names. */
const MODULES: Partial<Record<WeightName, { seed: number; keys: string }>> = {
  inception: { seed: 41, keys: 'inception_keys' },
  // The reference has no figures for these, so the same numbers will do.
  'inception-imagenet': { seed: 41, keys: 'inception_keys' },
  vgg16: { seed: 11, keys: 'lpips_vgg_keys' },
  alexnet: { seed: 17, keys: 'lpips_alex_keys' },
};
const LINEAR_SEED = 23;

/** A tensor of a module by the formula. @param place its index among the sorted names. */
function moduleTensor(name: string, shape: number[], moduleSeed: number, place: number): Float32Array {
  const seed = (moduleSeed * 1_000_003 + place * 7919) >>> 0;
  if (shape.length > 1)
    return formulaTensor(seed, shape, Math.sqrt(6 / shape.slice(1).reduce((a, b) => a * b)), 0);
  return /(^|\.)(weight|running_var)$/.test(name)
    ? formulaTensor(seed, shape, 0.5, 1)
    : formulaTensor(seed, shape, 0.1, 0);
}

/** The tensors of known weights that are kept, with numbers by the formula in the README of the reference figures. */
export function formulaWeights(name: WeightName): Map<string, TorchTensor> {
  const { tensors, nameInLpips = (kept) => kept } = KNOWN_WEIGHTS[name];
  const module = MODULES[name];
  const places = new Map(
    module ? readJson<Record<string, string[]>>('metrics.json')[module.keys]!.map((key, k) => [key, k]) : [],
  );
  return new Map(
    [...tensors].map(([kept, readonlyShape]) => {
      const shape = [...readonlyShape];
      if (module === undefined) {
        const layer = Number(/^lin(\d)/.exec(kept)![1]);
        return [kept, { shape, data: formulaTensor(LINEAR_SEED + layer, shape, 0.05, 0.05) }];
      }
      const key = nameInLpips(kept).replace(/^net\./, '');
      return [kept, { shape, data: moduleTensor(key, shape, module.seed, places.get(key)!) }];
    }),
  );
}

/** The `state_dict` of weights in the form that torch.save takes. */
export function toPickle(tensors: ReadonlyMap<string, TorchTensor>): OrderedDict {
  return new OrderedDict(
    [...tensors].map(([name, { shape, data }]) => [name, new TensorToPickle(shape, () => data)]),
  );
}

/** The tensors of a whole `lpips.LPIPS`, with trunk and linear layers by the formula. */
export function formulaLpipsPackage(net: 'vgg' | 'alex'): Map<string, TorchTensor> {
  const trunk: WeightName = net === 'vgg' ? 'vgg16' : 'alexnet';
  const { nameInLpips } = KNOWN_WEIGHTS[trunk];
  return new Map([
    ['scaling_layer.shift', { shape: [1, 3, 1, 1], data: Float32Array.of(-0.03, -0.088, -0.188) }],
    ...[...formulaWeights(trunk)].map(([name, tensor]) => [nameInLpips!(name), tensor] as const),
    ...formulaWeights(`lpips-${net}`),
  ]);
}

async function writeAsImported(name: WeightName, env: NodeJS.ProcessEnv): Promise<void> {
  const place = placeOf(name, env);
  const twin = placeOf('inception', env).file;
  // The 24 million numbers are the same.
  const isCopied =
    name === 'inception-imagenet' &&
    (await copyFile(twin, place.file).then(
      () => true,
      () => false,
    ));
  if (!isCopied) await writeSafetensors(place.file, formulaWeights(name), { format: 'pt' });
  const { sha256 } = await identityOf(place.file);
  const record: WeightsRecord = {
    format: 'gnr-weights',
    converter: CONVERTER_VERSION,
    name,
    source: { file: `${name}-formula.pth`, sha256, gitBlob: null },
    verified: false,
    sha256,
  };
  await writeFile(place.record, JSON.stringify(record));
}

/** The folder of this process's formula weights, and the weights that are in it. */
let cache: { folder: string; written: Map<WeightName, Promise<void>> } | undefined;

/**
 * Creates a cache with these weights, with numbers by the formula, as if imported with `--unverified`. All calls in a test
 * file share one folder, which is removed after it. Takes about 1 s for an Inception, less for the others.
 *
 * @returns an environment that names the cache. For code that reads `process.env`, load the engine first (it is found by
 *   the same variable) and then call `vi.stubEnv('GNR_CACHE_DIR', env.GNR_CACHE_DIR)`.
 */
export async function formulaCache(...names: WeightName[]): Promise<{ GNR_CACHE_DIR: string }> {
  cache ??= { folder: await mkdtemp(join(tmpdir(), 'gnr-weights-')), written: new Map() };
  const { folder, written } = cache;
  const env = { GNR_CACHE_DIR: folder };
  for (const name of names) {
    if (!written.has(name)) written.set(name, writeAsImported(name, env));
    await written.get(name);
  }
  return env;
}

afterAll(async () => {
  if (cache !== undefined) await rm(cache.folder, { recursive: true, force: true });
  cache = undefined;
});

/**
 * Makes a file count as the first official file of these weights.
 *
 * @returns a function that undoes it.
 */
export async function makeOfficial(name: WeightName, path: string): Promise<() => void> {
  const bytes = await readFile(path);
  const gitBlob = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const files = KNOWN_WEIGHTS[name].files as OfficialFile[];
  const originals = [...files];
  const identity = 'gitBlob' in originals[0]!.identity ? { gitBlob } : { sha256 };
  files.unshift({ ...originals[0]!, identity });
  return () => {
    files.splice(0, files.length, ...originals);
  };
}
