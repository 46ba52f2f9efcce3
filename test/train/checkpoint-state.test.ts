import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { toTensors } from '../../src/checkpoint/network-tensors.js';
import { writeSafetensors } from '../../src/checkpoint/safetensors.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { noiseBatch } from '../../src/gan/noise-batch.js';
import { specsByNetwork } from '../../src/model/networks.js';
import { saveTraining } from '../../src/train/checkpoint-state.js';
import { openTrainer } from '../../src/train/open-trainer.js';
import { RunFolders } from '../support/runs.js';
import { collectState } from '../support/state.js';

const runs = RunFolders.prepare();
const PROGRESS = { seconds: 1, rateScale: 1, samplerA: null, samplerB: null };

it.each([
  { name: 'kernel by kernel, without first moments', capture: false, betas: [0, 0.99] as [number, number] },
  { name: 'captured, with first moments', capture: true, betas: [0.5, 0.99] as [number, number] },
])('a checkpoint written in small parts equals one of the whole state ($name)', async (changes) => {
  const { capture, betas } = changes;
  const config = runs.config(1, { runtime: { capture }, training: { betas } });
  const networks = buildNetworks(config);
  const trainer = openTrainer({ config, networks }, { values: initNetworks(networks, new Rng(1, 'init')) });
  await trainer.step(noiseBatch(config, 1), 0);
  const dir = await saveTraining(
    runs.runDir,
    1,
    config,
    networks,
    (select) => trainer.read(select),
    PROGRESS,
  );
  const { ema, ...parts } = collectState(trainer.read());
  trainer.dispose();
  expect(Object.keys(parts.first).length).toBe(betas[0] > 0 ? 5 : 0);

  const specs = specsByNetwork(networks);
  const training = Object.entries(parts).flatMap(([part, values]) => toTensors(`${part}/`, values, specs));
  for (const [file, tensors] of [
    ['model.safetensors', toTensors('', ema, specs)],
    ['training.safetensors', training],
  ] as const) {
    await writeSafetensors(join(runs.folder, file), new Map(tensors));
    expect((await readFile(join(dir, file))).equals(await readFile(join(runs.folder, file)))).toBe(true);
  }
});
