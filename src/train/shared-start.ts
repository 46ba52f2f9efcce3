// Gives all ranks of a run the start that rank 0 has found: the step, the progress, and the weights.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { InputError } from '../base/errors.js';
import type { Config } from '../config/schema.js';
import type { Dataset } from '../data/folder.js';
import type { World } from '../distributed/world.js';
import type { Networks } from '../gan/networks.js';
import { parametersIn, stateLayout, stateVectors, type TrainStateValues } from '../gan/state.js';
import { hasFirstMoments } from '../gan/step.js';
import type { TrainProgress } from './checkpoint-state.js';

/** The start of an attempt at a run, without its tensors. */
export interface SharedStart {
  step: number;
  rateScale: number;
  progress?: Partial<TrainProgress> | undefined;
}

/**
 * The training state of rank 0, sent to the other ranks one vector after another.
 *
 * @param host the state on rank 0; undefined on the others.
 */
export async function shareState(
  world: World,
  config: Config,
  networks: Networks,
  host: TrainStateValues | undefined,
): Promise<TrainStateValues> {
  if (world.size === 1) return host!;
  const layout = stateLayout(networks, hasFirstMoments(config));
  const sent = host && stateVectors(layout, host);
  const received: Partial<Record<keyof TrainStateValues, TrainStateValues['values']>> = {};
  for (const vector of layout) {
    const own: Float32Array = sent ? sent.next().value![1] : new Float32Array(vector.size);
    const bytes = await world.broadcast(new Uint8Array(own.buffer, own.byteOffset, own.byteLength));
    if (host) continue;
    for (const { part, network, path: name, data } of parametersIn(vector, new Float32Array(bytes.buffer))) {
      received[part] ??= {};
      received[part][network] ??= {};
      received[part][network][name] = data;
    }
  }
  return host ?? (received as TrainStateValues);
}

/** @throws InputError that names a rank whose training images are not those of rank 0. */
export async function checkSameDataset(world: World, dataset: Dataset): Promise<void> {
  if (world.size === 1) return;
  const { trainA, trainB } = dataset;
  const names = [trainA, trainB].map((files) => files.map((file) => path.basename(file)));
  const hash = createHash('sha256').update(JSON.stringify(names)).digest('hex');
  const all = await world.gatherValues({ hash, counts: [trainA.length, trainB.length] });
  const other = all.findIndex((one) => one.hash !== all[0]!.hash);
  if (other === -1) return;
  const count = ({ counts: [a, b] }: (typeof all)[number]) => `${a} in trainA and ${b} in trainB`;
  throw new InputError({
    expected: `the same images in data.root on all machines (${count(all[0]!)} on ${world.nameOf(0)})`,
    found: `others on ${world.nameOf(other)} (${count(all[other]!)})`,
    remedy: 'copy the dataset to all machines, or put it on a disk that they share',
  });
}
