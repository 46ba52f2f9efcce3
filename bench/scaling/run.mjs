// Predicts the speed-up of several GPUs: node bench/scaling/run.mjs [--json]. Needs a build.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ASSUMPTIONS, CONNECTIONS, predictGpus } from '../../dist/bench/scaling.js';

const GPUS = [2, 4, 8, 16, 32, 64];
/** Speed-up of StyleGAN3 at 256 px on V100s, by its README: the bar for 4 and 8 GPUs. */
const BAR = { 4: 3.8, 8: 6.8 };
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

function printPredictions(predictions) {
  for (const viaHost of [true, false]) {
    process.stdout.write(
      `Speed-up, ${viaHost ? 'buckets through the memory of the host (as now)' : 'directly between GPUs (not built)'}:\n\n`,
    );
    const cell = (name, ranks) => {
      const efficiency = predictions.find(
        (each) => each.name === name && each.ranks === ranks && each.viaHost === viaHost,
      )?.efficiency;
      if (efficiency === undefined) return '';
      return `${(efficiency * ranks).toFixed(1)} (${(100 * efficiency).toFixed(0)} %)`;
    };
    table(
      ['GPUs', ...Object.keys(CONNECTIONS), 'StyleGAN3'],
      GPUS.map((ranks) => [
        ranks,
        ...Object.keys(CONNECTIONS).map((name) => cell(name, ranks)),
        BAR[ranks] ?? '',
      ]),
    );
  }
  process.stdout.write(`Assumptions: ${JSON.stringify(ASSUMPTIONS)}\n`);
}

const predictions = [true, false].flatMap((viaHost) =>
  Object.keys(CONNECTIONS).flatMap((name) =>
    GPUS.flatMap((ranks) => predictGpus(ranks, name, viaHost) ?? []),
  ),
);
if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ predictions, assumptions: ASSUMPTIONS, connections: CONNECTIONS }, undefined, 2)}\n`,
  );
} else {
  printPredictions(predictions);
}
