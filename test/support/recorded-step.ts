// Records a training step without computing it.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Config } from '../../src/config/schema.js';
import { inputSpecs, unflattenBatch } from '../../src/gan/batch.js';
import { buildNetworks } from '../../src/gan/networks.js';
import { flattenState, stateLayout, unflattenState } from '../../src/gan/state.js';
import { hasFirstMoments, namedByPart, trainStep } from '../../src/gan/step.js';
import { mapScalars, stepScalars } from '../../src/gan/step-scalars.js';
import { buildLpips } from '../../src/perceptual/lpips.js';
import type { TensorSpec } from '../../src/runtime/capture/capture.js';
import { Graph } from '../../src/runtime/capture/graph.js';
import { Recorder } from '../../src/runtime/capture/recorder.js';

export interface RecordedStep {
  parameters: { generators: number; discriminators: number };
  /** Shapes of the step's terms by name. */
  terms: Record<string, number[]>;
  /** Names of the state's vectors whose length changes. */
  changedVectors: string[];
}

/** Records a step with R1 of networks of any size: checks the shapes of all operations and computes nothing. */
export function recordStep(config: Config): RecordedStep {
  const networks = buildNetworks(config);
  const recorder = new Recorder(new Graph());
  const symbolsOf = (specs: Record<string, TensorSpec>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, recorder.symbol(name, spec)]));
  const symbols = (shapes: Record<string, readonly number[]>): Record<string, Tensor> =>
    symbolsOf(
      Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [name, { shape: [...shape], dtype: 'float32' }]),
      ),
    );
  const layout = stateLayout(networks, hasFirstMoments(config));
  const lpips = buildLpips('vgg');
  const lpipsShapes = Object.entries(lpips.specs).map(([name, { shape }]) => [name, shape] as const);
  try {
    return recorder.record(() => {
      const state = symbols(Object.fromEntries(layout.map(({ name, size }) => [name, [size]])));
      const perceptual = { lpips, params: symbols(Object.fromEntries(lpipsShapes)) };
      const context = { config, networks, ...(config.losses.lpips.weight > 0 && { perceptual }) };
      const batch = unflattenBatch(symbolsOf(inputSpecs(config)));
      const scalars = mapScalars(stepScalars({ config }, 0), (_, name) => symbols({ [name]: [] })[name]!);
      const result = trainStep(context, unflattenState(state), batch, scalars, true);
      const next = flattenState(result.state);
      return {
        parameters: {
          generators: networks.generators.parameterCount,
          discriminators: networks.discriminators.parameterCount,
        },
        terms: Object.fromEntries(
          Object.entries(namedByPart(result)).map(([name, { shape }]) => [name, shape]),
        ),
        changedVectors: layout
          .filter(({ name, size }) => next[name]?.shape.join() !== String(size))
          .map(({ name }) => name),
      };
    });
  } finally {
    networks.generators.dispose();
    networks.discriminators.dispose();
  }
}
