import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
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

function upload(flat: readonly Float32Array[]): Tensor[] {
  return flat.map((values) => tf.keep(tf.tensor1d(values)));
}

function zerosLike(group: ParameterGroup): Float32Array[] {
  return group.buckets.map(({ size }) => new Float32Array(size));
}

/** Puts a state on the device. The tensors are kept: free them with `disposeState`. */
export function uploadState(
  networks: Networks,
  host: TrainStateValues,
  withFirstMoments: boolean,
): TrainState {
  const groupState = (group: ParameterGroup): GroupState => ({
    values: upload(group.pack(host.values)),
    first: withFirstMoments ? upload(host.first ? group.pack(host.first) : zerosLike(group)) : [],
    second: upload(host.second ? group.pack(host.second) : zerosLike(group)),
  });
  return {
    generators: groupState(networks.generators),
    discriminators: groupState(networks.discriminators),
    ema: upload(networks.generators.pack(host.ema ?? host.values)),
  };
}

/** Reads a state back to the host. */
export function downloadState(networks: Networks, state: TrainState): Required<TrainStateValues> {
  const read = (group: ParameterGroup, tensors: readonly Tensor[]): NetworkValues =>
    tensors.length === 0 ? {} : group.unpack(tensors.map((tensor) => tensor.dataSync<'float32'>()));
  const both = (part: keyof GroupState): NetworkValues => ({
    ...read(networks.generators, state.generators[part]),
    ...read(networks.discriminators, state.discriminators[part]),
  });
  return {
    values: both('values'),
    first: both('first'),
    second: both('second'),
    ema: read(networks.generators, state.ema),
  };
}

/** All tensors of a state. */
export function stateTensors(state: TrainState): Tensor[] {
  const group = ({ values, first, second }: GroupState): Tensor[] => [...values, ...first, ...second];
  return [...group(state.generators), ...group(state.discriminators), ...state.ema];
}

/** Frees a state's memory. */
export function disposeState(state: TrainState): void {
  tf.dispose(stateTensors(state));
}
