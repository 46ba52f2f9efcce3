// The training state as flat vectors: weights, Adam's moments, EMA of the generators (the reference's `G_A2B_ema`, train.py).

import type { Tensor } from '@tensorflow/tfjs-core';
import type { NetworkValues } from '../model/parameters.js';
import type { ParameterGroup } from '../optim/parameter-groups.js';
import type { Networks } from './networks.js';

/** The state of one optimizer: a tensor for each bucket of its group. */
export interface GroupState {
  values: Tensor[];
  /** First moments; empty where Adam's first decay rate is 0. */
  first: Tensor[];
  /** Second moments. */
  second: Tensor[];
}

/** The generator weights that translate: `ema`, as in a trained model, or `raw`, those that the steps change. */
export type TranslatingWeights = 'ema' | 'raw';

/** Everything that a step changes. */
export interface TrainState {
  generators: GroupState;
  discriminators: GroupState;
  /** Exponential moving average of the generators' weights. */
  ema: Tensor[];
}

/** The training state on the host, by network and parameter path. */
export interface TrainStateValues {
  /** G_A2B, G_B2A, D_A, D_B, D_L. */
  values: NetworkValues;
  /** The EMA of G_A2B and G_B2A; by default it starts from the raw weights. */
  ema?: NetworkValues;
  first?: NetworkValues;
  second?: NetworkValues;
}

/** The generators' vectors, EMA or raw, in the order of their buckets. */
export function translatingVectors(state: TrainState, weights: TranslatingWeights): Tensor[] {
  return weights === 'ema' ? state.ema : state.generators.values;
}

/** The state as a flat record in a fixed order, by names such as `generators/second/0`. */
export type FlatState<T> = Record<string, T>;

/** Raw weights, Adam's moments, and the EMA of the generators' weights. */
export type StatePart = 'values' | 'first' | 'second' | 'ema';

const PARTS = ['values', 'first', 'second'] as const;
const SIDES = ['generators', 'discriminators'] as const;

/** The state's tensors by name. */
export function flattenState(state: TrainState): FlatState<Tensor> {
  const flat: FlatState<Tensor> = {};
  for (const side of SIDES)
    for (const part of PARTS)
      for (const [i, tensor] of state[side][part].entries()) flat[`${side}/${part}/${i}`] = tensor;
  for (const [i, tensor] of state.ema.entries()) flat[`ema/${i}`] = tensor;
  return flat;
}

/** The reverse of `flattenState`. */
export function unflattenState(flat: FlatState<Tensor>): TrainState {
  const list = (prefix: string): Tensor[] => {
    const tensors: Tensor[] = [];
    for (let i = 0; flat[`${prefix}/${i}`] !== undefined; i++) tensors.push(flat[`${prefix}/${i}`]!);
    return tensors;
  };
  const side = (name: string): GroupState => ({
    values: list(`${name}/values`),
    first: list(`${name}/first`),
    second: list(`${name}/second`),
  });
  return { generators: side('generators'), discriminators: side('discriminators'), ema: list('ema') };
}

/** One vector of the state: a bucket of a group, in one part of the state. */
export interface StateVector {
  /** The name in `flattenState`. */
  name: string;
  side: (typeof SIDES)[number];
  part: StatePart;
  group: ParameterGroup;
  /** Index of the bucket in the group. */
  index: number;
  size: number;
}

/** One parameter's values in one part of the state, on the host. */
export interface StateParameter {
  part: StatePart;
  network: string;
  path: string;
  data: Float32Array;
}

/** The state's vectors in the order of `flattenState`. */
export function stateLayout(networks: Networks, withFirstMoments: boolean): StateVector[] {
  const vectors = (side: StateVector['side'], part: StatePart, prefix: string): StateVector[] =>
    networks[side].buckets.map(({ size }, index) => ({
      name: `${prefix}/${index}`,
      side,
      part,
      group: networks[side],
      index,
      size,
    }));
  const parts = withFirstMoments ? PARTS : PARTS.filter((part) => part !== 'first');
  return [
    ...SIDES.flatMap((side) => parts.flatMap((part) => vectors(side, part, `${side}/${part}`))),
    ...vectors('generators', 'ema', 'ema'),
  ];
}

/**
 * Yields a state's vectors by name, one after another, so that memory never holds a large state twice. Moments that `host`
 * lacks start at zero.
 */
export function* stateVectors(
  layout: readonly StateVector[],
  host: TrainStateValues,
): Generator<[name: string, vector: Float32Array]> {
  for (const { name, part, group, index, size } of layout) {
    const values = part === 'ema' ? (host.ema ?? host.values) : host[part];
    yield [name, values ? group.packBucket(values, index) : new Float32Array(size)];
  }
}

/** The reverse of `stateVectors` for one vector: yields its parameters, as views of the vector. */
export function* parametersIn(
  { part, group, index }: StateVector,
  vector: Float32Array,
): Generator<StateParameter> {
  for (const parameter of group.unpackBucket(vector, index)) yield { part, ...parameter };
}
