// Rules that several config keys have to meet together.
import { chosenLosses, LOSS_NAMES } from '../losses/chosen.js';
import { losses } from '../losses/registry.js';
import { checkGrowth } from './growth.js';
import type { Config } from './schema.js';
import { variants } from './variants/registry.js';

/** Smallest side that the encoder's style head and the deepest layers work at, px. */
const MIN_RESOLUTION = 4;

/** A rule that a config breaks: the key to change, and its expected value. */
export interface BrokenRule {
  path: string[];
  message: string;
}

/** Checks rules between keys: sizes that fit together, and loss terms that have what they need. */
export function checkConsistency(config: Config): BrokenRule[] {
  const broken: BrokenRule[] = [];
  const reject = (path: string, message: string) => broken.push({ path: path.split('.'), message });
  checkSizes(config, reject);
  checkDiscriminator(config, reject);
  checkGrowth(config, reject);
  checkAdaptiveAugment(config, reject);
  checkDiffAugment(config, reject);
  if (config.training.r2Factor > 0 && config.training.r1Weight === 0)
    reject(
      'training.r2Factor',
      '0 with training.r1Weight 0, whose factor it is, or a larger training.r1Weight',
    );
  checkActivations(config, reject);
  const [smallest, largest] = config.data.augment.scale;
  if (smallest > largest) reject('data.augment.scale', 'smallest scale first, then the largest');
  checkLosses(config, reject);
  if (config.training.initialization.steps > 0 && config.losses.identity === 0)
    reject('losses.identity', 'above 0 with training.initialization, in which images are reproduced');
  checkKeepBest(config, reject);
  return broken;
}

/** A figure of an evaluation can choose checkpoints only if evaluations fall on checkpoints. */
function checkKeepBest(
  { checkpoint, evaluation }: Config,
  reject: (path: string, message: string) => void,
): void {
  const metric = checkpoint.keepBest?.metric;
  if (metric?.startsWith('evaluation/') !== true) return;
  if (evaluation.everySteps === null)
    reject(
      'evaluation.everySteps',
      `a number of steps, such as checkpoint.everySteps (${checkpoint.everySteps}), with checkpoint.keepBest.metric ${metric}`,
    );
  else if (
    evaluation.everySteps % checkpoint.everySteps !== 0 &&
    checkpoint.everySteps % evaluation.everySteps !== 0
  )
    reject(
      'evaluation.everySteps',
      `a multiple or a divisor of checkpoint.everySteps (${checkpoint.everySteps}) with checkpoint.keepBest.metric ${metric}, so that evaluations fall on checkpoints`,
    );
}

function checkLosses(config: Config, reject: (path: string, message: string) => void): void {
  const chosen = chosenLosses(config.losses);
  if (!chosen.some(({ trainsDecoder }) => trainsDecoder)) {
    const names = LOSS_NAMES.filter((name) => losses[name].trainsDecoder);
    const any = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names);
    reject('losses', `a weight above 0 for ${any}: no other term trains the decoder`);
  }
  for (const { name, problem, inputs } of chosen) {
    if (problem) reject(`losses.${name}.${problem.option}`, problem.expected);
    if (!inputs.includes('restyled') && !inputs.includes('realigned')) continue;
    const { batch, growth } = config.training;
    const atLeast2 = `at least 2 with losses.${name}, which compares the images of a batch`;
    if (batch < 2) reject('training.batch', atLeast2);
    for (const [i, stage] of growth.entries())
      if (stage.batch === 1) reject(`training.growth.${i}.batch`, atLeast2);
  }
}

function checkAdaptiveAugment({ training }: Config, reject: (path: string, message: string) => void): void {
  const { enabled, initial, limit, blit, geometry, colour } = training.adaptiveAugment;
  if (initial > limit)
    reject('training.adaptiveAugment.initial', `at most training.adaptiveAugment.limit, ${limit}`);
  if (enabled && !(blit || geometry || colour))
    reject(
      'training.adaptiveAugment',
      'blit, geometry or colour true, or enabled false: nothing would be transformed',
    );
}

function checkDiffAugment({ training }: Config, reject: (path: string, message: string) => void): void {
  const { enabled, colour, translation, cutout } = training.diffAugment;
  if (enabled && !(colour || translation || cutout))
    reject(
      'training.diffAugment',
      'colour, translation or cutout true, or enabled false: nothing would be transformed',
    );
}

/** Feature maps stay in bfloat16 for convolutions that take it. Elsewhere the key would silently do nothing. */
function checkActivations({ runtime }: Config, reject: (path: string, message: string) => void): void {
  if (runtime.activations === 'float32') return;
  if (runtime.arithmetic !== 'bfloat16')
    reject(
      'runtime.activations',
      `float32 with runtime.arithmetic ${runtime.arithmetic}, or bfloat16 for both`,
    );
  if (!runtime.capture)
    reject('runtime.activations', 'float32 with runtime.capture false, because kernels then run in float32');
}

function checkSizes({ model }: Config, reject: (path: string, message: string) => void): void {
  const contentSize = model.size / 2 ** model.numDown;
  if (contentSize < MIN_RESOLUTION) {
    const maxNumDown = Math.log2(model.size / MIN_RESOLUTION);
    reject(
      'model.numDown',
      `at most ${maxNumDown} with model.size ${model.size}, so that the content code is at least ${MIN_RESOLUTION} px wide`,
    );
  }
}

function checkDiscriminator({ model }: Config, reject: (path: string, message: string) => void): void {
  const { size, variant, discriminatorLocalSize: local, discriminatorGlobalSize: global } = model;
  if (local > size) reject('model.discriminatorLocalSize', `at most model.size, ${size} px`);
  if (global > size) reject('model.discriminatorGlobalSize', `at most model.size, ${size} px`);
  const smallest = MIN_RESOLUTION * 2;
  if (variants[variant].globalBranch === 'map' && global < smallest) {
    reject(
      'model.discriminatorGlobalSize',
      `at least ${smallest} px in variant ${variant}, whose diversity head halves once more`,
    );
  }
}
