// The list of commands.
import type { CommandModule } from 'yargs';
import { benchCommand } from './bench.js';
import { datasetCommand } from './dataset.js';
import { demoCommand } from './demo.js';
import { doctorCommand } from './doctor.js';
import { evaluateCommand } from './evaluate.js';
import { exportCommand } from './export.js';
import { importCommand } from './import.js';
import { reportCommand } from './report.js';
import { serveCommand } from './serve.js';
import { setupCommand } from './setup.js';
import { trainCommand } from './train.js';
import { translateCommand } from './translate.js';
import { videoCommand } from './video.js';
import { weightsCommand } from './weights.js';

/** Forgets the type of a command's arguments, so that commands of all types fit into one list. */
function command<T>(module: CommandModule<object, T>): CommandModule {
  return module as unknown as CommandModule;
}

/** Every command, in the order of the help text. */
export const commands: readonly CommandModule[] = [
  command(demoCommand),
  command(datasetCommand),
  command(trainCommand),
  command(reportCommand),
  command(translateCommand),
  command(videoCommand),
  command(serveCommand),
  command(evaluateCommand),
  command(importCommand),
  command(exportCommand),
  command(weightsCommand),
  command(benchCommand),
  command(setupCommand),
  command(doctorCommand),
];
