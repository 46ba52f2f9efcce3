// Parameters of networks: shapes, initial values, gains, and their layout in the reference's `state_dict`.

import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../base/rng.js';

/** The layout of a parameter here and in the reference's `state_dict`; `checkpoint/torch-layout.ts` converts. */
export type TorchLayout =
  /** Here `[k, k, in, out]`, there `[out, in, k, k]`. */
  | { kind: 'convolution' }
  /** Here `[k, k, in, out]`, there `[1, out, in, k, k]`. */
  | { kind: 'modulated' }
  /** Here `[k, k, out, in]` (as the transposed convolution takes it), there `[1, out, in, k, k]`. */
  | { kind: 'modulated-transposed' }
  /** Here `[in, out]`, there `[out, in]`. */
  | { kind: 'linear' }
  /** A linear layer on a flattened image: its inputs run height, width, channel here and channel, height, width there. */
  | { kind: 'linear-after-flatten'; px: number; channels: number }
  /** The same vector in both. */
  | { kind: 'vector' }
  /** Here `[c]`, there `[1, c, 1, 1]`. */
  | { kind: 'channel-vector' };

/** The description of one parameter of a network. */
export interface ParameterSpec {
  /** Shape here. */
  shape: number[];
  /** Initial values: normal with this deviation, or one constant. */
  init: { deviation: number } | { value: number };
  /**
   * The value here divided by the value in the reference's `state_dict`. It contains the scale of the equalized learning
   * rate (there a layer scales its weights at every use; here the optimizer scales its steps, which is equivalent), and
   * constant factors of the activation and of residual sums, which are free here.
   */
  gain: number;
  torch: TorchLayout;
}

/** A network's parameters by path; paths are those of the reference's `state_dict`. */
export type ParameterSpecs = Readonly<Record<string, ParameterSpec>>;

/** Parameter values by path, on the device. */
export type Params = Readonly<Record<string, Tensor>>;

/** Parameter values by path, on the host. */
export type ParameterValues = Record<string, Float32Array>;

/** Parameter values of several networks on the host: network name to path to stored values. */
export type NetworkValues = Record<string, ParameterValues>;

/** Adds a prefix to all paths: `prefixed('stem.0.', {...})`. */
export function prefixed(prefix: string, specs: ParameterSpecs): Record<string, ParameterSpec> {
  return Object.fromEntries(Object.entries(specs).map(([path, spec]) => [prefix + path, spec]));
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Draws initial values, gain included. Each parameter has its own random stream, so adding one changes no other. */
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

/** The parameter at `path`. @throws RangeError if it is missing: a wrong checkpoint or a wrong config. */
export function parameter(params: Params, path: string): Tensor {
  const tensor = params[path];
  if (tensor === undefined) throw new RangeError(`the parameters have no '${path}'`);
  return tensor;
}
