// The networks and optimizers of a reference checkpoint, and the order of their tensors.
import type { ParameterSpecs } from '../../model/parameters.js';
import { torchShapeOf } from '../torch-layout.js';

/** The averaged generators of a checkpoint of the reference, with the networks that they average. */
export const AVERAGED = { G_A2B_ema: 'G_A2B', G_B2A_ema: 'G_B2A' } as const;
/** The reference's optimizers, with the networks whose parameters each has, in its order. */
export const OPTIMIZERS = { G_optim: ['G_A2B', 'G_B2A'], D_optim: ['D_L', 'D_A', 'D_B'] } as const;

export type AveragedName = keyof typeof AVERAGED;
export type OptimizerName = keyof typeof OPTIMIZERS;

/**
 * The order in which the reference's modules register their children (model.py), and so the order of an optimizer's
 * parameters. A module's own parameters come before those of its children.
 */
const CHILDREN = [
  ...['mapping', 'encoder', 'stem', 'content', 'style', 'adain_bottleneck'],
  ...['l_branch', 'g_branch', 'g_adv', 'g_std', 'g_final', 'fc'],
  ...['conv1', 'to_rgb1', 'convs', 'to_rgbs'],
  ...['upsample', 'blur', 'conv', 'activate', 'conv2', 'skip', 'modulation'],
];
const OWN_PARAMETERS = ['weight', 'bias', 'kernel'];

function compareNames(a: string, b: string): number {
  if (/^\d+$/.test(a) && /^\d+$/.test(b)) return Number(a) - Number(b);
  return CHILDREN.indexOf(a) - CHILDREN.indexOf(b);
}

function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let depth = 0; ; depth++) {
    const [isOwnLeft, isOwnRight] = [depth === left.length - 1, depth === right.length - 1];
    if (isOwnLeft && isOwnRight)
      return OWN_PARAMETERS.indexOf(left[depth]!) - OWN_PARAMETERS.indexOf(right[depth]!);
    if (isOwnLeft !== isOwnRight) return isOwnLeft ? -1 : 1;
    if (left[depth] !== right[depth]) return compareNames(left[depth]!, right[depth]!);
  }
}

/** A network's parameters in the order of the reference's `parameters()`. */
export function parameterOrder(specs: ParameterSpecs): string[] {
  return Object.keys(specs).sort(comparePaths);
}

/** The blur of the reference's layers: the outer product of [1, 3, 3, 1] with itself. */
function blurKernel(sum: number): Float32Array {
  const taps = [1, 3, 3, 1];
  return Float32Array.from(taps.flatMap((a) => taps.map((b) => (a * b * sum) / 64)));
}

/** A layer's blur filter: constant, but the reference stores it in its `state_dict`. */
function bufferBeside(path: string, kind: string): [path: string, data: Float32Array] | undefined {
  if (kind === 'convolution' && path.endsWith('.1.weight'))
    return [path.replace(/1\.weight$/, '0.kernel'), blurKernel(1)];
  if (kind === 'modulated-transposed') return [path.replace(/weight$/, 'blur.kernel'), blurKernel(4)];
  if (kind === 'channel-vector' && path.startsWith('to_rgbs.'))
    return [path.replace(/bias$/, 'upsample.kernel'), blurKernel(4)];
  return undefined;
}

/** Constants in a network's `state_dict`: 4x4 filters by path. */
export function buffersOf(specs: ParameterSpecs): Map<string, Float32Array> {
  const buffers = Object.entries(specs).map(([path, { torch }]) => bufferBeside(path, torch.kind));
  return new Map(buffers.filter((buffer) => buffer !== undefined));
}

export const BUFFER_SHAPE: readonly number[] = [4, 4];

/** Shapes of all tensors of a network's `state_dict`, in its order. */
export function stateDictShapes(specs: ParameterSpecs): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [path, spec] of Object.entries(specs)) shapes.set(path, torchShapeOf(spec));
  for (const path of buffersOf(specs).keys()) shapes.set(path, BUFFER_SHAPE);
  return new Map([...shapes].sort(([a], [b]) => comparePaths(a, b)));
}
