import * as tf from '@tensorflow/tfjs-core';
import { readSafetensors } from '../checkpoint/safetensors.js';
import { fromTorchLayout, type TorchTensor } from '../checkpoint/torch-layout.js';
import type { Config } from '../config/schema.js';
import { InputError, messageOf } from '../errors.js';
import { ParameterGroup } from '../model/parameter-groups.js';
import type { Params } from '../model/parameters.js';
import { buildLpips, type Lpips } from '../perceptual/lpips.js';

/** Our path to the name in the `state_dict` of `lpips.LPIPS`. */
function packageName(path: string): string {
  const linear = /^(lin\d)\.weight$/.exec(path);
  return linear ? `${linear[1]}.model.1.weight` : `net.${path}`;
}

interface Loaded {
  lpips: Lpips;
  params: Params;
  dispose(): void;
}

/**
 * LPIPS on VGG-16 with weights from a safetensors file of the `state_dict` of package lpips 0.1.4 (`LPIPS(net='vgg')`).
 * The parameters are kept on the device until `dispose`.
 *
 * @throws InputError where the file is missing, damaged, or of another network.
 */
export async function loadLpips(path: string): Promise<Loaded> {
  const { tensors } = await readSafetensors(path);
  const lpips = buildLpips('vgg');
  const group = new ParameterGroup({ lpips: lpips.specs });
  try {
    const values = fromTorchLayout(lpips.specs, (name) => {
      const tensor = tensors.get(packageName(name));
      return tensor?.data instanceof Float32Array ? (tensor as TorchTensor) : undefined;
    });
    const params = group.keepParameters({ lpips: values }).lpips!;
    return { lpips, params, dispose: () => tf.dispose(Object.values(params)) };
  } catch (error) {
    throw new InputError(
      {
        expected: `the weights of lpips.LPIPS(net='vgg') in ${path}`,
        found: messageOf(error),
        remedy: 'save them as the README says under "Perceptual loss", or set losses.lpips.weight=0',
      },
      { cause: error },
    );
  } finally {
    group.dispose();
  }
}

/** The same for a config; none where the loss has no perceptual term. @throws InputError as `loadLpips`. */
export async function loadPerceptual({ losses: { lpips } }: Config): Promise<Loaded | undefined> {
  return lpips.weight > 0 && lpips.weights !== null ? loadLpips(lpips.weights) : undefined;
}
