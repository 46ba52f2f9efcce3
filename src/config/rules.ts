import type { Config } from './schema.js';

/** The style head of the encoder and the deepest layers work at no fewer pixels a side. */
const MIN_RESOLUTION = 4;

/** A rule between keys that a config breaks: the key to change, and what was expected of it. */
export interface BrokenRule {
  path: string[];
  message: string;
}

/** Checks what no single key can: sizes that fit together, and terms that have what they need. */
export function checkConsistency(config: Config): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const refuse = (path: string, message: string) => broken.push({ path: path.split('.'), message });
  checkSizes(config, refuse);
  checkDiscriminator(config, refuse);
  checkAdaptiveAugment(config, refuse);
  checkActivations(config, refuse);
  const [smallest, largest] = config.data.augment.scale;
  if (smallest > largest) refuse('data.augment.scale', 'smallest scale first, then the largest');
  const { adversarial, cycle, lpips, styleReconstruction, identity } = config.losses;
  // The other terms look at style codes alone: they would leave the decoders untrained.
  if (
    [adversarial, cycle.weight, lpips.weight, styleReconstruction, identity].every((weight) => weight === 0)
  )
    refuse(
      'losses',
      'a weight above 0 for adversarial, cycle, lpips, styleReconstruction or identity: no other term trains the decoder',
    );
  if (lpips.weight > 0 && lpips.weights === null) {
    refuse(
      'losses.lpips.weights',
      `cache, or a file with the LPIPS weights, because losses.lpips.weight is ${lpips.weight} (run gnr weights fetch vgg16 lpips-vgg and set losses.lpips.weights=cache; the README tells more under "Perceptual loss"; or set losses.lpips.weight=0)`,
    );
  }
  return broken;
}

function checkAdaptiveAugment({ training }: Config, refuse: (path: string, message: string) => void): void {
  const { enabled, initial, limit, blit, geometry, colour } = training.adaptiveAugment;
  if (initial > limit)
    refuse('training.adaptiveAugment.initial', `at most training.adaptiveAugment.limit, ${limit}`);
  if (enabled && !(blit || geometry || colour))
    refuse(
      'training.adaptiveAugment',
      'blit, geometry or colour true, or enabled false: nothing would be transformed',
    );
}

/** Feature maps are kept in bfloat16 for convolutions that take it: elsewhere the key would do nothing, and say so nowhere. */
function checkActivations({ runtime }: Config, refuse: (path: string, message: string) => void): void {
  if (runtime.activations === 'float32') return;
  if (runtime.arithmetic !== 'bfloat16')
    refuse(
      'runtime.activations',
      `float32 with runtime.arithmetic ${runtime.arithmetic}, or bfloat16 for both`,
    );
  if (!runtime.capture)
    refuse('runtime.activations', 'float32 with runtime.capture false, which runs kernels in float32');
}

function checkSizes({ model }: Config, refuse: (path: string, message: string) => void): void {
  const contentSize = model.size / 2 ** model.numDown;
  if (contentSize < MIN_RESOLUTION) {
    const most = Math.log2(model.size / MIN_RESOLUTION);
    refuse(
      'model.numDown',
      `at most ${most} with model.size ${model.size}, so that the content code is at least ${MIN_RESOLUTION} px wide`,
    );
  }
}

function checkDiscriminator({ model }: Config, refuse: (path: string, message: string) => void): void {
  const { size, variant, discriminatorLocalSize: local, discriminatorGlobalSize: global } = model;
  if (local > size) refuse('model.discriminatorLocalSize', `at most model.size, ${size} px`);
  if (global > size) refuse('model.discriminatorGlobalSize', `at most model.size, ${size} px`);
  const smallest = MIN_RESOLUTION * 2;
  if (variant === 'main' && global < smallest) {
    refuse(
      'model.discriminatorGlobalSize',
      `at least ${smallest} px in variant main, whose diversity head halves once more`,
    );
  }
}
