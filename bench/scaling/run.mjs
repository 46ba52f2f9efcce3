// Times training steps on 1, 2 and 4 ranks of this machine, and predicts GPUs: node bench/scaling/run.mjs [--ranks 1,2,4]
// [--steps N] [--set KEY=VALUE] [--predict-only] [--json]. Needs a build, and Open MPI for more than one rank.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  ASSUMPTIONS,
  CONNECTIONS,
  predictGpus,
  predictStep,
  transferSeconds,
} from '../../dist/bench/scaling.js';

const GPUS = [2, 4, 8, 16, 32, 64];
/** Speed-up of StyleGAN3 at 256 px on V100s, by its README: the bar for 4 and 8 GPUs. */
const BAR = { 4: 3.8, 8: 6.8 };
/** A network of a tenth of a second. */
const DEFAULT_SET = [
  'model.size=64',
  'model.numDown=2',
  'model.channelDivisor=8',
  'training.batch=1',
  'losses.lpips.weight=0',
];

const { values } = parseArgs({
  options: {
    ranks: { type: 'string', default: '1,2,4' },
    steps: { type: 'string', default: '10' },
    set: { type: 'string', multiple: true, default: DEFAULT_SET },
    'predict-only': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function measure(ranks) {
  process.stderr.write(`${ranks} ranks: measuring\n`);
  const script = [fileURLToPath(new URL('rank.mjs', import.meta.url)), values.steps, ...values.set];
  const mpirun = [
    'mpirun',
    '--allow-run-as-root',
    '--oversubscribe',
    '--bind-to',
    'none',
    '-n',
    String(ranks),
  ];
  const [command, ...words] = [...(ranks === 1 ? [] : mpirun), process.execPath, ...script];
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${ranks} ranks ended with ${status}: ${stderr}`);
  const result = JSON.parse(stdout.split('\n').findLast((line) => line.startsWith('{')));
  return ranks === 1 ? result : { ...result, predicted: predicted(result) };
}

/** The model's seconds for ranks that were measured, from what was measured apart: steps without transfer, and bandwidth. */
function predicted({ ranks, aloneSeconds: stepSeconds, bandwidth, bytes, buckets }) {
  const transfer = transferSeconds({ ranks, bytes, buckets, bandwidth, latency: 0 });
  const { overlapShare } = ASSUMPTIONS;
  return predictStep({ stepSeconds, transfer, buckets, overlapShare }).seconds;
}

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  process.stdout.write(`${lines.join('\n')}\n\n`);
}

function printMeasured(measured) {
  const seconds = (value) => (value === undefined ? '' : `${value.toFixed(3)} s`);
  table(
    [
      'ranks',
      'step without transfer',
      'step',
      'predicted',
      'bytes',
      'bandwidth',
      'queued',
      'transfer and waiting',
      'hidden, at least',
    ],
    measured.map((each) => [
      ...[each.ranks, seconds(each.aloneSeconds), seconds(each.seconds), seconds(each.predicted)],
      each.bytes === undefined ? '' : `${(each.bytes / 1e6).toFixed(1)} MB in ${each.buckets}`,
      each.bandwidth === undefined ? '' : `${(each.bandwidth / 1e9).toFixed(2)} GB/s`,
      ...[seconds(each.queued), seconds(each.transfer), each.hidden?.toFixed(2) ?? ''],
    ]),
  );
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

const measured = values['predict-only'] ? [] : values.ranks.split(',').map(Number).map(measure);
const predictions = [true, false].flatMap((viaHost) =>
  Object.keys(CONNECTIONS).flatMap((name) =>
    GPUS.flatMap((ranks) => predictGpus(ranks, name, viaHost) ?? []),
  ),
);
if (values.json) {
  process.stdout.write(
    `${JSON.stringify({ measured, predictions, assumptions: ASSUMPTIONS, connections: CONNECTIONS }, undefined, 2)}\n`,
  );
} else {
  if (measured.length > 0) printMeasured(measured);
  printPredictions(predictions);
}
