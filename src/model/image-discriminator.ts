// The diversity discriminator of images (GANs N' Roses, section 3; the reference's model.py, `Discriminator`): a local, a global
// and a diversity head, of which the last compares the images of a batch.

import type { Tensor } from '@tensorflow/tfjs-core';
import { variants } from '../config/variants/registry.js';
import { ONE_RANK, type Ranks } from '../ops/ranks.js';
import { type Architecture, channelsAt, halvings } from './architecture.js';
import { batchDeviation } from './batch-deviation.js';
import { type CheckpointPolicy, keepActivations } from './checkpointing.js';
import {
  convLayer,
  flatten,
  type Layer,
  linearLayer,
  mergeSpecs,
  residualBlock,
  sequence,
} from './layers.js';
import type { ParameterSpecs, Params } from './parameters.js';

/** Width of the features whose deviation over the batch the diversity head sees. */
const DIVERSITY_FEATURES = 128;
/** A convolution that gives a logit for each place. */
const LOGIT = { outChannels: 1, size: 1, activate: false };

/** Logits of the three heads; higher means more real. */
export interface ImageLogits {
  /** One for each patch: `[n, p, p, 1]`, p the local branch's side. */
  local: Tensor;
  /** For the whole image: `[n, q, q, 1]` if the global branch ends in a map (q its side), `[n, 1]` if in a vector. */
  global: Tensor;
  /** For the diversity of the batch, one value repeated: `[n, 1]`. */
  diversity: Tensor;
}

/** The diversity discriminator. */
export interface ImageDiscriminator {
  specs: ParameterSpecs;
  /**
   * @param images `[n, size, size, 3]` in [-1, 1].
   * @param groups number of equal, consecutive parts of the batch; the diversity head compares images within a part, so
   *   that real images and translations can share one pass.
   */
  apply(params: Params, images: Tensor, groups?: number): ImageLogits;
}

/** The layers from RGB down to `outSize` px (the reference's `make_net_`). */
function branch(
  path: string,
  architecture: Architecture,
  outSize: number,
  policy: CheckpointPolicy,
): Layer[] {
  let channels = channelsAt(architecture, architecture.size);
  const layers = [convLayer(`${path}.0`, { inChannels: 3, outChannels: channels, size: 1 })];
  for (const px of halvings(architecture.size, outSize)) {
    const next = channelsAt(architecture, px);
    layers.push(policy.layer(residualBlock(`${path}.${layers.length}`, channels, next, true)));
    channels = next;
  }
  return layers;
}

function flattenedLinear(path: string, px: number, channels: number): Layer {
  return linearLayer(path, {
    inFeatures: px * px * channels,
    outFeatures: DIVERSITY_FEATURES,
    activate: true,
    torch: { kind: 'linear-after-flatten', px, channels },
  });
}

/** The global branch with its heads: features of each image, its logits, and what is compared over the batch. */
function globalBranch(
  architecture: Architecture,
  policy: CheckpointPolicy,
): Record<'trunk' | 'adversarial' | 'diversity', Layer> {
  const { discriminatorGlobalSize: px, variant } = architecture;
  const layers = branch('g_branch', architecture, px, policy);
  const channels = channelsAt(architecture, px);
  if (variants[variant].globalBranch === 'map') {
    const halfChannels = channelsAt(architecture, px / 2);
    return {
      trunk: sequence(layers),
      adversarial: convLayer('g_adv', { ...LOGIT, inChannels: channels }),
      diversity: sequence([
        convLayer('g_std.0', { inChannels: channels, outChannels: halfChannels, size: 3, down: true }),
        flatten(),
        flattenedLinear('g_std.2', px / 2, halfChannels),
      ]),
    };
  }
  return {
    trunk: sequence([...layers, flatten(), flattenedLinear(`g_branch.${layers.length + 1}`, px, channels)]),
    adversarial: linearLayer('g_adv', { inFeatures: DIVERSITY_FEATURES, outFeatures: 1 }),
    diversity: sequence([]),
  };
}

/**
 * Builds the discriminator of any variant.
 *
 * @param policy decides what the blocks keep for their gradients.
 * @param ranks the ranks whose images the diversity head compares.
 */
export function buildImageDiscriminator(
  architecture: Architecture,
  policy: CheckpointPolicy = keepActivations,
  ranks: Ranks = ONE_RANK,
): ImageDiscriminator {
  const { discriminatorLocalSize: localSize } = architecture;
  const localLayers = branch('l_branch', architecture, localSize, policy);
  const local = sequence([
    ...localLayers,
    convLayer(`l_branch.${localLayers.length}`, {
      ...LOGIT,
      inChannels: channelsAt(architecture, localSize),
    }),
  ]);
  const { trunk, adversarial, diversity } = globalBranch(architecture, policy);
  const final = linearLayer('g_final', { inFeatures: DIVERSITY_FEATURES, outFeatures: 1 });
  const parts = [local, trunk, adversarial, diversity];
  // Everything that handles each image on its own; the comparison of the batch follows.
  const perImage = policy.pass(Object.keys(mergeSpecs(parts)), (params, [images]) => {
    const features = trunk.apply(params, images!);
    return [
      local.apply(params, images!),
      adversarial.apply(params, features),
      diversity.apply(params, features),
    ];
  });
  return {
    specs: mergeSpecs([...parts, final]),
    apply(params, images, groups = 1) {
      const [patches, whole, features] = perImage(params, [images]) as [Tensor, Tensor, Tensor];
      return {
        local: patches,
        global: whole,
        diversity: final.apply(params, batchDeviation(features, groups, ranks)),
      };
    },
  };
}
