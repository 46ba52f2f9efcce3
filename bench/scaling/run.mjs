// Times training steps on ranks of this machine, or predicts the speed-up of several GPUs; needs a build and, for ranks, Open MPI.
// node bench/scaling/run.mjs [--predict] [--ranks 1,2,4] [--steps N] [--timeline] [--config FILE] [--set KEY=VALUE]... [--json]
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
import { median } from '../../dist/train/forecast.js';

const GPUS = [2, 4, 8, 16, 32, 64];
/** Speed-up of StyleGAN3 at 256 px on V100s, by its README: the bar for 4 and 8 GPUs. */
const BAR = { 4: 3.8, 8: 6.8 };
/** A network whose step takes a fraction of a second, so that transfers count. */
const SMALL = ['model.size=64', 'model.numDown=2', 'model.channelDivisor=4', 'training.batch=1'];
/** Every rank has one thread, however many there are: figures of 1, 2 and 4 ranks then differ by the ranks alone. */
const ONE_THREAD = { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' };

const { values } = parseArgs({
  options: {
    predict: { type: 'boolean', default: false },
    ranks: { type: 'string', default: '1,2,4' },
    steps: { type: 'string', default: '8' },
    timeline: { type: 'boolean', default: false },
    config: { type: 'string' },
    set: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  },
});

function printRows(rows) {
  for (const cells of rows) process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function table(head, rows) {
  printRows([head, head.map(() => '---'), ...rows]);
  process.stdout.write('\n');
}

/** Runs rank.mjs on so many ranks. @returns the JSON of rank 0. */
function start(ranks) {
  process.stderr.write(`${ranks} rank${ranks === 1 ? '' : 's'}: measuring\n`);
  const sets = values.set ?? (values.config === undefined ? SMALL : []);
  const options = {
    steps: Number(values.steps),
    file: values.config,
    overrides: [...sets, 'losses.lpips.weight=0'],
    timeline: values.timeline,
  };
  const script = [
    process.execPath,
    fileURLToPath(new URL('rank.mjs', import.meta.url)),
    JSON.stringify(options),
  ];
  const mpirun = ['mpirun', '--allow-run-as-root', '--oversubscribe', '--bind-to', 'none', '-n', `${ranks}`];
  const [command, ...words] = ranks === 1 ? script : [...mpirun, ...script];
  const env = { ...ONE_THREAD, ...process.env };
  const { status, stdout, stderr } = spawnSync(command, words, {
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw new Error(`${ranks} ranks ended with ${status}: ${stderr}`);
  return JSON.parse(stdout.split('\n').findLast((line) => line.startsWith('{')));
}

const secondsOf = (rounds) => median(rounds.map(({ seconds }) => seconds));

/** The model's step: from steps of all ranks at once without transfer, bytes, and the bandwidth of a transfer on its own. */
function predicted({ ranks, alone, bandwidth, bytes, buckets }) {
  const transfer = transferSeconds({ ranks, bytes, buckets, bandwidth, latency: 0 });
  const { overlapShare } = ASSUMPTIONS;
  return { transfer, ...predictStep({ stepSeconds: secondsOf(alone), transfer, buckets, overlapShare }) };
}

const time = (value) => `${value.toFixed(3)} s`;

function cellsOf({ ranks, alone, together, bytes, buckets, bandwidth, waiting, transfer, predicted }) {
  if (together === undefined) return [ranks, time(secondsOf(alone)), ...Array(8).fill('')];
  const ratios = together.map(({ seconds }, i) => seconds / alone[i].seconds);
  return [
    ...[ranks, time(secondsOf(alone)), time(secondsOf(together)), time(predicted.seconds)],
    ...[median(ratios).toFixed(2), `${(bytes / 1e6).toFixed(1)} MB in ${buckets}`],
    ...[`${(bandwidth / 1e9).toFixed(2)} GB/s`, time(waiting), time(transfer), time(predicted.transfer)],
  ];
}

/** Prints a row as soon as it is measured: on a busy machine the next may take long. */
function measure() {
  const head = ['ranks', 'step of its own', 'step together', 'predicted', 'together by own'];
  head.push('bytes', 'bandwidth', 'waiting', 'transfer', 'predicted');
  if (!values.json) printRows([head, head.map(() => '---')]);
  for (const ranks of values.ranks.split(',').map(Number)) {
    const measured = start(ranks);
    const result = ranks === 1 ? measured : { ...measured, predicted: predicted(measured) };
    if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else printRows([cellsOf(result)]);
  }
}

/** The timelines of rank 0 in text, and the shares of both measures of what is hidden. */
function printTimelines() {
  const ranks = Math.max(...values.ranks.split(',').map(Number));
  const { timelines } = start(ranks);
  if (values.json) {
    process.stdout.write(`${JSON.stringify(timelines)}\n`);
    return;
  }
  for (const [i, byRank] of timelines.entries()) {
    const shares = byRank.map(
      ({ hidden, hiddenByBackward }) => `${hidden.toFixed(2)} and ${hiddenByBackward.toFixed(2)}`,
    );
    process.stdout.write(`Step ${i + 1}, hidden by kernels, by the backward pass: ${shares.join('; ')}\n`);
  }
  const { buckets, started, ended, backwardEnded, waiting, transfer } = timelines.at(-1)[0];
  const at = (value) => ((value - started) * 1000).toFixed(0);
  process.stdout.write('\nThe last step on rank 0, milliseconds since its first kernel:\n\n');
  table(
    ['bucket', 'MB', 'gradients ready', 'all ranks there', 'arrived', 'used'],
    buckets.map(({ bytes, called, met, ended, used }, i) => [
      ...[i + 1, (bytes / 1e6).toFixed(1), at(called), at(met), at(ended), at(used)],
    ]),
  );
  process.stdout.write(
    `Backward pass ended: discriminators ${at(backwardEnded.discriminators)}, generators ${at(backwardEnded.generators)}. ` +
      `Step ended: ${at(ended)}. Waiting ${waiting.toFixed(3)} s, transfer ${transfer.toFixed(3)} s.\n`,
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

function predict() {
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
}

if (values.predict) predict();
else if (values.timeline) printTimelines();
else measure();
