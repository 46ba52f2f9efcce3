import type { Tensor } from '@tensorflow/tfjs-core';
import type { NetworkValues, ParameterGroup } from '../model/parameter-groups.js';
import type { Networks } from './networks.js';

/** One optimizer's side of the training state: a tensor for each bucket of its group. */
export interface GroupState {
  values: Tensor[];
  /** First moments; empty where Adam's first decay rate is 0. */
  first: Tensor[];
  /** Second moments. */
  second: Tensor[];
}

/** The generators that translate: their averages, as a trained model's do, or the weights that steps change. */
export type TranslatingWeights = 'averages' | 'weights';

/** Everything that a training step changes. */
export interface TrainState {
  generators: GroupState;
  discriminators: GroupState;
  /** Averaged generator weights, which translate. */
  ema: Tensor[];
}

/** The training state on the host, by network and parameter path. */
export interface TrainStateValues {
  /** G_A2B, G_B2A, D_A, D_B, D_L. */
  values: NetworkValues;
  /** Averages of G_A2B and G_B2A; the weights themselves where left out. */
  ema?: NetworkValues;
  first?: NetworkValues;
  second?: NetworkValues;
}

/** The generators' vectors that translate. */
export function translatingVectors(state: TrainState, weights: TranslatingWeights): Tensor[] {
  return weights === 'averages' ? state.ema : state.generators.values;
}

/** A flat tree of the state: names such as `generators/second/0`, in one fixed order. */
export type FlatState<T> = Record<string, T>;

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

/**
 * A state's vectors by the names of `flattenState`, one after another, so that a large state never stands twice in
 * memory; moments that are left out start at zero.
 */
export function* stateVectors(
  networks: Networks,
  host: TrainStateValues,
  withFirstMoments: boolean,
): Generator<[name: string, vector: Float32Array]> {
  const vectors = function* (
    name: string,
    group: ParameterGroup,
    values: NetworkValues | undefined,
  ): Generator<[string, Float32Array]> {
    for (const [i, { size }] of group.buckets.entries())
      yield [`${name}/${i}`, values ? group.packBucket(values, i) : new Float32Array(size)];
  };
  for (const side of SIDES) {
    yield* vectors(`${side}/values`, networks[side], host.values);
    if (withFirstMoments) yield* vectors(`${side}/first`, networks[side], host.first);
    yield* vectors(`${side}/second`, networks[side], host.second);
  }
  yield* vectors('ema', networks.generators, host.ema ?? host.values);
}

/** Lengths of the vectors of `stateVectors`, by name. */
export function stateSizes(networks: Networks, withFirstMoments: boolean): FlatState<number> {
  const sizes: FlatState<number> = {};
  const parts = withFirstMoments ? PARTS : PARTS.filter((part) => part !== 'first');
  for (const side of SIDES)
    for (const part of parts)
      for (const [i, { size }] of networks[side].buckets.entries()) sizes[`${side}/${part}/${i}`] = size;
  for (const [i, { size }] of networks.generators.buckets.entries()) sizes[`ema/${i}`] = size;
  return sizes;
}

/** The reverse of `stateVectors`. */
export function unpackState(networks: Networks, flat: FlatState<Float32Array>): Required<TrainStateValues> {
  const read = (group: ParameterGroup, prefix: string): NetworkValues => {
    if (flat[`${prefix}/0`] === undefined) return {};
    return group.unpack(group.buckets.map((_, i) => flat[`${prefix}/${i}`]!));
  };
  const both = (part: (typeof PARTS)[number]): NetworkValues => ({
    ...read(networks.generators, `generators/${part}`),
    ...read(networks.discriminators, `discriminators/${part}`),
  });
  return {
    values: both('values'),
    first: both('first'),
    second: both('second'),
    ema: read(networks.generators, 'ema'),
  };
}
