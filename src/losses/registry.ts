// The registry of the terms of the generators' loss.
import { adversarial } from './adversarial.js';
import { cycle } from './cycle.js';
import { equivariance } from './equivariance.js';
import { identity } from './identity.js';
import { latentAdversarial } from './latent-adversarial.js';
import { lpips } from './lpips.js';
import { spectrum } from './spectrum.js';
import { styleConsistency } from './style-consistency.js';
import { styleDiversification } from './style-diversification.js';
import { styleReconstruction } from './style-reconstruction.js';

/** All terms by name, in the order of their sum. A new one needs its file and a line here. */
export const losses = {
  adversarial,
  latentAdversarial,
  styleConsistency,
  cycle,
  lpips,
  styleReconstruction,
  identity,
  styleDiversification,
  equivariance,
  spectrum,
};

/** Name of a term of the generators' loss. */
export type LossName = keyof typeof losses;
