import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { fromTorchLayout, type TorchTensor } from '../checkpoint/torch-layout.js';
import { InputError, messageOf } from '../errors.js';
import { ParameterGroup } from '../model/parameter-groups.js';
import type { Params } from '../model/parameters.js';
import { buildLpips, type Lpips, type LpipsNet } from '../perceptual/lpips.js';
import { linearName, trunkName } from './known.js';
import { loadWeights, type WeightsSource } from './load.js';
import type { WeightName } from './names.js';

/** LPIPS with its parameters, which are on the device until `dispose`. */
export interface LoadedLpips {
  lpips: Lpips;
  params: Params;
  /** The weights of the cache that it is made of; none where they came from a file. */
  sources: WeightsSource[];
  dispose(): void;
}

const PARTS: Readonly<Record<LpipsNet, readonly [trunk: WeightName, linear: WeightName]>> = {
  vgg: ['vgg16', 'lpips-vgg'],
  alex: ['alexnet', 'lpips-alex'],
};

const FILE_REMEDY =
  'run gnr weights fetch vgg16 lpips-vgg and set losses.lpips.weights=cache, or make the file as the README says under "Perceptual loss", or set losses.lpips.weight=0';

/** @throws RangeError for a missing or misshapen tensor. */
function keep(net: LpipsNet, read: (path: string) => TorchTensor | undefined): Omit<LoadedLpips, 'sources'> {
  const lpips = buildLpips(net);
  const values = fromTorchLayout(lpips.specs, read);
  const group = new ParameterGroup({ lpips: lpips.specs });
  try {
    const params = group.keepParameters({ lpips: values }).lpips!;
    return { lpips, params, dispose: () => tf.dispose(Object.values(params)) };
  } finally {
    group.dispose();
  }
}

/**
 * LPIPS with weights from the cache: torchvision's trunk and the linear layers of package lpips.
 *
 * @param env says where the cache is (`cacheDirectory`).
 * @throws InputError with the remedy where one of them is missing or damaged.
 */
export async function loadLpips(net: LpipsNet, env?: NodeJS.ProcessEnv): Promise<LoadedLpips> {
  const [trunk, linear] = PARTS[net];
  const weights = [await loadWeights(trunk, env), await loadWeights(linear, env)] as const;
  const loaded = keep(net, (path) => {
    const name = trunkName(path);
    return name === undefined ? weights[1].tensors.get(linearName(path)!) : weights[0].tensors.get(name);
  });
  const sources = weights.map(({ name, sha256, verified }) => ({ name, sha256, verified }));
  return { ...loaded, sources };
}

/**
 * LPIPS on VGG-16 with weights from a safetensors file of the `state_dict` of package lpips 0.1.4 (`LPIPS(net='vgg')`).
 *
 * @throws InputError where the file is missing, damaged, or of another network.
 */
export async function loadLpipsFile(path: string): Promise<LoadedLpips> {
  try {
    const { tensors } = await readSafetensors(path);
    const loaded = keep('vgg', (parameter) => {
      const tensor = tensors.get(linearName(parameter) ?? `net.${parameter}`);
      return tensor?.data instanceof Float32Array ? (tensor as TorchTensor) : undefined;
    });
    return { ...loaded, sources: [] };
  } catch (error) {
    const complaint =
      error instanceof InputError
        ? error.complaint
        : { expected: `the weights of lpips.LPIPS(net='vgg') in ${path}`, found: messageOf(error) };
    throw new InputError({ ...complaint, remedy: FILE_REMEDY }, { cause: error });
  }
}
