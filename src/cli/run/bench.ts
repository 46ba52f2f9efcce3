// What `gnr bench` does.
import { InputError } from '../../base/errors.js';
import { type BenchResult, benchTrain, benchTranslate } from '../../bench/bench.js';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { loadEngine } from '../../runtime/node.js';
import type { BenchArguments } from '../bench.js';
import { formatPeak, printJson, printLine, startProgress } from '../output.js';

function checkArguments({ work, steps, r1 }: BenchArguments): void {
  if (!Number.isInteger(steps) || steps < 1)
    throw new InputError({ expected: '--steps to be 1 or more', found: String(steps), remedy: 'change it' });
  if (r1 && work !== 'train')
    throw new InputError({ expected: '--r1 with train', found: `--r1 with ${work}`, remedy: 'leave it out' });
}

/** The config to time: a file's, or the reference's channel sizes, with size and batch in their place. */
function configOf({ work, size, batch, config: file, set = [] }: BenchArguments): Config {
  const override = (key: string, value: number | undefined, defaultValue: number): string[] => {
    if (value !== undefined) return [`${key}=${value}`];
    return file === undefined ? [`${key}=${defaultValue}`] : [];
  };
  return loadConfig({
    file,
    overrides: [
      ...override('model.size', size, work === 'train' ? 64 : 256),
      ...override('training.batch', batch, work === 'train' ? 2 : 1),
      'losses.lpips.weight=0',
      ...set,
    ],
  });
}

function summaryLine({ work, r1 }: BenchArguments, result: BenchResult): string {
  const details = [
    `peak memory ${formatPeak(result)}`,
    ...(result.kernels === undefined ? [] : [`${result.kernels} kernels`]),
    ...(result.captureSeconds === undefined ? [] : [`captured in ${result.captureSeconds.toFixed(1)} s`]),
  ];
  return `${work}${r1 ? ' with R1' : ''}, ${result.size} px, batch ${result.batch}, ${result.arithmetic}: ${result.seconds.toFixed(3)} s (${details.join(', ')})`;
}

/** Times steps or translations, and prints the figures. */
export async function run(args: BenchArguments): Promise<void> {
  const { work, steps, r1, json } = args;
  checkArguments(args);
  const config = configOf(args);
  await loadEngine({ ...config.runtime, work: work === 'train' ? 'training' : 'translation' });
  const progress = startProgress({ label: `timing ${work}`, total: steps, unit: 'runs' });
  const onRun = (done: number) => progress.update(done);
  const result =
    work === 'train' ? await benchTrain(config, steps, onRun, r1) : benchTranslate(config, steps, onRun);
  progress.finish();
  if (json) printJson(result);
  else printLine(summaryLine(args, result));
}
