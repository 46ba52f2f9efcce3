// Every parser of unchecked bytes as a target of fuzzing.

import type { FuzzTarget } from './target.js';
import { imageTargets } from './targets/images.js';
import { modelTargets } from './targets/models.js';
import { textTargets } from './targets/texts.js';
import { prepareTorchTargets, torchTargets } from './targets/torch.js';

/** All targets by name. */
export async function allTargets(): Promise<Record<string, FuzzTarget>> {
  await prepareTorchTargets();
  return { ...torchTargets, ...modelTargets, ...imageTargets, ...textTargets };
}
