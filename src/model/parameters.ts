import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../base/rng.js';

/** How a parameter of ours lies in the reference's `state_dict`; `checkpoint/torch-layout.ts` converts. */
export type TorchLayout =
  /** Ours `[k, k, in, out]`, there `[out, in, k, k]`. */
  | { kind: 'convolution' }
  /** Ours `[k, k, in, out]`, there `[1, out, in, k, k]`. */
  | { kind: 'modulated' }
  /** Ours `[k, k, out, in]` (as the transposed convolution takes it), there `[1, out, in, k, k]`. */
  | { kind: 'modulated-transposed' }
  /** Ours `[in, out]`, there `[out, in]`. */
  | { kind: 'linear' }
  /** A linear layer on a flattened picture: its inputs run height, width, channel here and channel, height, width there. */
  | { kind: 'linear-after-flatten'; px: number; channels: number }
  /** The same vector in both. */
  | { kind: 'vector' }
  /** Ours `[c]`, there `[1, c, 1, 1]`. */
  | { kind: 'channel-vector' };

/** What a network says of one of its parameters. */
export interface ParameterSpec {
  /** Our shape. */
  shape: number[];
  /** Initial values: normal of this deviation, or one constant. */
  init: { deviation: number } | { value: number };
  /**
   * How much larger the value here is than in the reference's `state_dict`: the equalized learning rate's scale (there a
   * layer scales its weights whenever it uses them; here the optimizer scales its steps, which is the same), and constant
   * factors of the activation and of residual sums, which cost nothing here.
   */
  gain: number;
  torch: TorchLayout;
}

/** A network's parameters by path; paths are those of the reference's `state_dict`. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** Values by path, on the device. */
export type Params = Readonly<Record<string, Tensor>>;

/** Values by path, on the host. */
export type ParameterValues = Record<string, Float32Array>;

/** Values of several networks on the host: network name to path to stored values. */
export type NetworkValues = Record<string, ParameterValues>;

/** Adds a prefix to all paths: `prefixed('stem.0.', {...})`. */
export function prefixed(prefix: string, specs: ParameterSpecs): Record<string, ParameterSpec> {
  return Object.fromEntries(Object.entries(specs).map(([path, spec]) => [prefix + path, spec]));
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Initial values, gain included. Every parameter draws from its own stream, so that adding one changes no other. */
export function initParameters(specs: ParameterSpecs, rng: Rng): ParameterValues {
  const values: ParameterValues = {};
  for (const [path, { shape, init, gain }] of Object.entries(specs)) {
    const count = sizeOf(shape);
    if ('value' in init) {
      values[path] = new Float32Array(count).fill(init.value * gain);
      continue;
    }
    const drawn = rng.fork(path).normals(count);
    const deviation = init.deviation * gain;
    for (let i = 0; i < count; i++) drawn[i]! *= deviation;
    values[path] = drawn;
  }
  return values;
}

/** The parameter at `path`. @throws RangeError where the tree lacks it: a wrong checkpoint or a wrong config. */
export function parameter(params: Params, path: string): Tensor {
  const tensor = params[path];
  if (tensor === undefined) throw new RangeError(`the parameters have no '${path}'`);
  return tensor;
}
