// Uses every method of a world, and checks of peers. Prints what each rank gets, as one line of JSON.
import os from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../../../src/base/errors.js';
import { withWorld } from '../../../src/distributed/with-world.js';
import { ranksOf } from '../../../src/ops/ranks.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { Peers } from '../../../src/train/peers.js';
import type { Trainer } from '../../../src/train/trainer.js';

/** A vector whose sum depends on the order of its terms, and that is longer than one part for each rank. */
const uneven = (rank: number): number[] =>
  Array.from({ length: 1001 }, (_, i) => Math.sin(i + 1) * 10 ** (3 * rank));

await withWorld(async (world) => {
  const { rank, size, localRank, localSize, hosts, processors, library } = world;
  const broadcast = await world.broadcast(Uint8Array.of(rank, rank), 1);
  const value = await world.broadcastValue(rank === 1 ? ['one', { two: 2 }] : undefined, 1);
  const gathered = await world.gather(new Uint8Array(rank + 1).fill(rank));
  const collected = await world.collect(new Uint8Array(rank + 1).fill(rank));
  const parts = [1, 2, 3].map((count) => new Uint8Array(count).fill(count));
  const scattered = await world.scatter(world.isFirst ? parts : []);
  const sum = await world.sum(Float64Array.of(0.1 + rank, rank));
  const peers = new Peers(world);
  const terms = await peers.average({ a: rank, b: rank === 1 ? Number.NaN : 1 });
  const reader = (data: number): Trainer =>
    ({
      *read() {
        yield { part: 'values', network: 'G', path: 'w', data: Float32Array.of(data) };
      },
    }) as unknown as Trainer;
  await peers.checkWeights(reader(1), 5);
  const drift = await peers.checkWeights(reader(rank === 2 ? 7 : 1), 6).then(() => 'none', messageOf);
  await loadEngine({ world });
  const ranks = ranksOf(size);
  // The first two travel together.
  const bytes = 4 * uneven(rank).length + 1;
  const [averaged, second, third] = tf.tidy(() =>
    ranks
      .meanOfGradients([tf.tensor1d(uneven(rank)), tf.tensor1d([rank]), tf.tensor1d([2 * rank])], bytes)
      .map((each) => [...each.dataSync()]),
  );
  const small = tf.tidy(() => [...ranks.mean(tf.tensor1d([rank])).dataSync()]);
  // The output of several processes may be mixed within a line.
  const all = await world.gatherValues({
    ...{ rank, size, localRank, localSize, hosts, library, broadcast: [...broadcast], value },
    ...{
      gathered: gathered.map((bytes) => [...bytes]),
      collected: collected.map((bytes) => [...bytes]),
      scattered: [...scattered],
      sum: [...sum],
      terms,
      culprit: peers.culprit,
      drift,
    },
    ...{
      averaged,
      second,
      third,
      small,
      share: processors! <= Math.max(1, os.availableParallelism() / size),
    },
  });
  if (world.isFirst) for (const line of all) process.stdout.write(`${JSON.stringify(line)}\n`);
});
