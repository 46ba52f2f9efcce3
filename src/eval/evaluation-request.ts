// Makes the request of an evaluation from the options of `evaluate`.
import { SOLO, type World } from '../distributed/world.js';
import { loadEngine } from '../runtime/node.js';
import type { EvaluateOptions } from './evaluate-options.js';
import type { EvaluationRequest } from './evaluation.js';
import { BASELINES } from './methods/baselines.js';
import { loadProtocol } from './protocols.js';

/** The request of these options; loads the engine. @throws InputError for a protocol that does not fit. */
export async function requestOf(options: EvaluateOptions, world: World = SOLO): Promise<EvaluationRequest> {
  const { checkpoint, data, inputs, real, fakes = [], baselines = BASELINES, protocol = 'quick' } = options;
  const { metrics, styles, seeds, direction, onEvent, onSkipped, onOtherFiles, signal } = options;
  return {
    protocol: loadProtocol(protocol, { metrics, styles, seeds, direction }),
    checkpoint,
    data,
    inputs,
    real,
    fakes,
    baselines,
    engine: await loadEngine({ world }),
    world,
    signal,
    ...(onEvent && { onEvent }),
    ...(onSkipped && { onSkipped }),
    ...(onOtherFiles && { onOtherFiles }),
  };
}
