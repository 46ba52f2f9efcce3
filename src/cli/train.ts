import type { CommandModule } from 'yargs';
import { withInterrupt } from './interrupt.js';
import { formatDuration, printLine } from './output.js';
import { TrainingDisplay } from './training-display.js';

interface TrainArguments {
  config: string | undefined;
  out: string;
  set: string[] | undefined;
  resume: boolean;
  init: string | undefined;
  steps: number | undefined;
}

export const trainCommand: CommandModule<object, TrainArguments> = {
  command: 'train',
  describe: 'Train a model on two folders of pictures',
  builder: (yargs) =>
    yargs
      .option('config', { type: 'string', describe: 'Config file (JSON); see configs/' })
      .option('out', { type: 'string', demandOption: true, describe: 'Run directory' })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Override of a config key, KEY=VALUE; may be repeated',
      })
      .option('resume', {
        type: 'boolean',
        default: false,
        describe: "Go on from the run's newest checkpoint",
      })
      .option('init', {
        type: 'string',
        describe: 'Start with the weights of a run, a checkpoint or an exported model',
      })
      .option('steps', {
        type: 'number',
        describe: 'Length of the training; short for --set training.steps=N',
      })
      .example('$0 train --config configs/selfie2anime.json --out runs/first --set data.root=DIR', '')
      .example('$0 train --out runs/first --resume', 'with the config of the run')
      .example('$0 train --init runs/first --out runs/second --set data.root=DIR', 'fine-tune'),
  handler: async ({ config: file, out, set = [], resume, init, steps }) => {
    const { loadConfig } = await import('../config/load.js');
    const { InputError, InterruptedError } = await import('../errors.js');
    const { loadEngine } = await import('../runtime/node.js');
    const { trainRun } = await import('../train/loop.js');
    const { initialConfig, resumedConfig } = await import('../train/start.js');
    const overrides = steps === undefined ? set : [...set, `training.steps=${steps}`];
    if (resume && init !== undefined)
      throw new InputError({
        expected: '--resume or --init, not both',
        found: 'both',
        remedy: 'leave --init out: the run that is resumed has its own weights',
      });
    if (!resume && file === undefined && init === undefined)
      throw new InputError({
        expected: '--config FILE for a new run',
        found: 'none',
        remedy:
          'name a config such as configs/selfie2anime.json, or add --resume to go on with a run, or --init to start from its weights',
      });
    const ownConfig = async () => {
      if (resume) return resumedConfig(out, overrides);
      return init === undefined ? loadConfig({ file, overrides }) : initialConfig(init, overrides);
    };
    const config = file === undefined ? await ownConfig() : loadConfig({ file, overrides });
    await loadEngine(config.runtime);
    const began = performance.now();
    const display = new TrainingDisplay();
    await withInterrupt(async (signal) => {
      const options = { config, runDir: out, resume, signal, ...(init !== undefined && { init }) };
      try {
        for await (const event of trainRun(options)) display.show(event);
      } finally {
        display.close();
      }
    });
    if (display.interrupted)
      throw new InterruptedError(`stopped; go on with: gnr train --out ${out} --resume`);
    printLine(`Done in ${formatDuration((performance.now() - began) / 1000)}: ${out}`);
  },
};
