// Every parser of unchecked bytes as a target of fuzzing.

import type { FuzzTarget } from './target.js';
import { imageTargets } from './targets/images.js';
import { modelTargets } from './targets/models.js';
import { textTargets } from './targets/texts.js';
import { torchTargets } from './targets/torch.js';

/** All targets by name. */
export const targets: Readonly<Record<string, FuzzTarget>> = {
  ...torchTargets,
  ...modelTargets,
  ...imageTargets,
  ...textTargets,
};
