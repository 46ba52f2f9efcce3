import { doctorCommand } from './doctor.js';
import { setupCommand } from './setup.js';

/** Every command, in the order of the help text. A new one is a file of its own and a line here. */
export const commands = [setupCommand, doctorCommand] as const;
