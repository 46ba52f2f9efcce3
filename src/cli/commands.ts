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

/** Every command, in the order of the help text. */
export const commands: readonly CommandModule[] = [
  demoCommand,
  datasetCommand,
  trainCommand,
  reportCommand,
  translateCommand,
  videoCommand,
  serveCommand,
  evaluateCommand,
  importCommand,
  exportCommand,
  weightsCommand,
  benchCommand,
  setupCommand,
  doctorCommand,
];
