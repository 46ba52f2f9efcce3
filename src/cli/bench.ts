import type { CommandModule } from 'yargs';
import { formatPeak, printJson, printLine, startProgress } from './output.js';

interface BenchArguments {
  work: 'train' | 'translate';
  size: number | undefined;
  batch: number | undefined;
  steps: number;
  r1: boolean;
  config: string | undefined;
  set: string[] | undefined;
  json: boolean;
}

export const benchCommand: CommandModule<object, BenchArguments> = {
  command: 'bench <work>',
  describe: "Time training steps or translation on this machine, at the reference's channel sizes",
  builder: (yargs) =>
    yargs
      .positional('work', {
        choices: ['train', 'translate'] as const,
        demandOption: true,
        describe: 'What to time',
      })
      .option('size', {
        type: 'number',
        describe: 'Side of the pictures, px [64 for train, 256 for translate]',
      })
      .option('batch', { type: 'number', describe: 'Pictures at a time [2 for train, 1 for translate]' })
      .option('steps', { type: 'number', default: 6, describe: 'Runs, the first two of which do not count' })
      .option('r1', {
        type: 'boolean',
        default: false,
        describe: 'Training steps with R1, in place of those without',
      })
      .option('config', { type: 'string', describe: "Config file in place of the reference's channel sizes" })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Override of a config key, KEY=VALUE',
      })
      .option('json', { type: 'boolean', default: false, describe: 'One line of JSON' })
      .example('$0 bench train --set runtime.arithmetic=bfloat16', ''),
  handler: async ({ work, size, batch, steps, r1, config: file, set = [], json }) => {
    const { loadConfig } = await import('../config/load.js');
    const { InputError } = await import('../base/errors.js');
    if (!Number.isInteger(steps) || steps < 1)
      throw new InputError({
        expected: '--steps to be 1 or more',
        found: String(steps),
        remedy: 'change it',
      });
    if (r1 && work !== 'train')
      throw new InputError({
        expected: '--r1 with train',
        found: `--r1 with ${work}`,
        remedy: 'leave it out',
      });
    const given = (key: string, value: number | undefined, usual: number): string[] => {
      if (value !== undefined) return [`${key}=${value}`];
      return file === undefined ? [`${key}=${usual}`] : [];
    };
    const config = loadConfig({
      file,
      overrides: [
        ...given('model.size', size, work === 'train' ? 64 : 256),
        ...given('training.batch', batch, work === 'train' ? 2 : 1),
        'losses.lpips.weight=0',
        ...set,
      ],
    });
    const { loadEngine } = await import('../runtime/node.js');
    const { benchTrain, benchTranslate } = await import('../bench/bench.js');
    await loadEngine({ ...config.runtime, work: work === 'train' ? 'training' : 'translation' });
    const progress = startProgress({ label: `timing ${work}`, total: steps, unit: 'runs' });
    const onRun = (done: number) => progress.update(done);
    const result =
      work === 'train' ? await benchTrain(config, steps, onRun, r1) : benchTranslate(config, steps, onRun);
    progress.finish();
    if (json) {
      printJson(result);
      return;
    }
    const details = [
      `peak memory ${formatPeak(result)}`,
      ...(result.kernels === undefined ? [] : [`${result.kernels} kernels`]),
      ...(result.captureSeconds === undefined ? [] : [`captured in ${result.captureSeconds.toFixed(1)} s`]),
    ];
    printLine(
      `${work}${r1 ? ' with R1' : ''}, ${result.size} px, batch ${result.batch}, ${result.arithmetic}: ${result.seconds.toFixed(3)} s (${details.join(', ')})`,
    );
  },
};
