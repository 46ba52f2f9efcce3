// Loads LPIPS with weights from the cache or from a file.
import * as tf from '@tensorflow/tfjs-core';
import { InputError, messageOf } from '../base/errors.js';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { fromTorchLayout, type TorchTensor } from '../checkpoint/torch-layout.js';
import type { ParameterValues, Params } from '../model/parameters.js';
import { ParameterGroup } from '../optim/parameter-groups.js';
import { buildLpips, type Lpips, type LpipsNet } from '../perceptual/lpips.js';
import { linearName, trunkName } from './known.js';
import { loadWeights, type WeightsSource } from './load.js';
import type { WeightName } from './names.js';

/** LPIPS with its parameters on the device, until `dispose`. */
export interface LoadedLpips {
  lpips: Lpips;
  params: Params;
  /** The cached weights that it is made of; none if they came from a file. */
  sources: WeightsSource[];
  dispose(): void;
}

/** LPIPS with the values of its parameters on the host. */
export interface LpipsValues {
  lpips: Lpips;
  values: ParameterValues;
  /** The cached weights that it is made of. */
  sources: WeightsSource[];
}

const CACHED_WEIGHTS: Readonly<Record<LpipsNet, readonly [trunk: WeightName, linear: WeightName]>> = {
  vgg: ['vgg16', 'lpips-vgg'],
  alex: ['alexnet', 'lpips-alex'],
};

const FILE_REMEDY =
  'run gnr weights fetch vgg16 lpips-vgg and set losses.lpips.weights=cache, or make the file as docs/training.md says under "Perceptual loss", or set losses.lpips.weight=0';

/** Uploads parameters to the device. */
function upload(lpips: Lpips, values: ParameterValues): Omit<LoadedLpips, 'sources'> {
  const group = new ParameterGroup({ lpips: lpips.specs });
  try {
    const params = group.keepParameters({ lpips: values }).lpips!;
    return { lpips, params, dispose: () => tf.dispose(Object.values(params)) };
  } finally {
    group.dispose();
  }
}

/**
 * LPIPS with weights from the cache, on the host: torchvision's trunk and the linear layers of package lpips.
 *
 * @param env determines the cache folder (`cacheDirectory`).
 * @throws InputError with the remedy if one of them is missing or damaged.
 */
export async function lpipsValues(net: LpipsNet, env?: NodeJS.ProcessEnv): Promise<LpipsValues> {
  const [trunk, linear] = CACHED_WEIGHTS[net];
  const weights = [await loadWeights(trunk, env), await loadWeights(linear, env)] as const;
  const lpips = buildLpips(net);
  const values = fromTorchLayout(lpips.specs, (path) => {
    const name = trunkName(path);
    return name === undefined ? weights[1].tensors.get(linearName(path)!) : weights[0].tensors.get(name);
  });
  const sources = weights.map(({ tensors: _, ...source }) => source);
  return { lpips, values, sources };
}

/** Like `lpipsValues`, with the parameters on the device. */
export async function loadLpips(net: LpipsNet, env?: NodeJS.ProcessEnv): Promise<LoadedLpips> {
  const { lpips, values, sources } = await lpipsValues(net, env);
  return { ...upload(lpips, values), sources };
}

/**
 * LPIPS on VGG-16 with weights from a safetensors file of the `state_dict` of package lpips 0.1.4 (`LPIPS(net='vgg')`).
 *
 * @throws InputError if the file is missing, damaged, or of another network.
 */
export async function loadLpipsFile(path: string): Promise<LoadedLpips> {
  try {
    const { tensors } = await readSafetensors(path);
    const lpips = buildLpips('vgg');
    const values = fromTorchLayout(lpips.specs, (parameter) => {
      const tensor = tensors.get(linearName(parameter) ?? `net.${parameter}`);
      return tensor?.data instanceof Float32Array ? (tensor as TorchTensor) : undefined;
    });
    return { ...upload(lpips, values), sources: [] };
  } catch (error) {
    const details =
      error instanceof InputError
        ? error.details
        : { expected: `the weights of lpips.LPIPS(net='vgg') in ${path}`, found: messageOf(error) };
    throw new InputError({ ...details, remedy: FILE_REMEDY }, { cause: error });
  }
}
