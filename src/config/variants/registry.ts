// All network variants by name. Config, networks, imports and exports know of a variant from here alone.
import { main } from './main.js';
import { train } from './train.js';

/** All network variants, in the order of the schema and of messages. */
export const variants = { main, train };

/** The name of a network variant. `main` and `train` are the forms that the reference implementation released. */
export type Variant = keyof typeof variants;
