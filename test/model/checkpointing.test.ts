import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { variantNames } from '../../src/config/variants/names.js';
import { r1Penalty } from '../../src/losses/r1.js';
import {
  type CheckpointPolicy,
  keepActivations,
  keepBlockInputs,
  microBatchedPolicy,
} from '../../src/model/checkpointing.js';
import { buildGenerator } from '../../src/model/generator.js';
import { buildImageDiscriminator } from '../../src/model/image-discriminator.js';
import type { ParameterSpecs, Params } from '../../src/model/parameters.js';
import { addN, mean, scalarOf, square } from '../../src/ops/arithmetic.js';
import { Tape } from '../../src/ops/autodiff.js';
import { capture } from '../../src/runtime/capture/capture.js';
import { loadEngine } from '../../src/runtime/node.js';
import { tinyConfig } from '../support/config.js';
import { drawnParams } from '../support/networks.js';
import { relativeError } from '../support/reference.js';
import { randomTensor } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});

type Values = Float32Array | Int32Array;
/** A loss of a network, and its gradients in all inputs and derived parameters. */
type Gradients = (inputs: Record<string, Tensor>) => Record<string, Tensor>;

const meanSquare = (x: Tensor): Tensor => scalarOf(mean(square(x)));

/** Gradients of `loss` in all parameters, by path. */
function gradientsOf(tape: Tape, loss: Tensor, params: Params): Record<string, Tensor> {
  const paths = Object.keys(params);
  const gradients = tape.gradients(
    loss,
    paths.map((path) => params[path]!),
  );
  return { loss, ...Object.fromEntries(paths.map((path, i) => [path, gradients[i]!])) };
}

const without = (inputs: Record<string, Tensor>, ...names: string[]): Params =>
  Object.fromEntries(Object.entries(inputs).filter(([name]) => !names.includes(name)));

/** The values of a function, computed kernel by kernel and as a captured program. */
function bothWays(fn: Gradients, inputs: Record<string, Tensor>): Record<string, Values>[] {
  const eager = tf.tidy(() =>
    Object.fromEntries(
      Object.entries(fn(inputs)).map(([name, tensor]) => [name, tensor.dataSync() as Values]),
    ),
  );
  const spec = ({ shape }: Tensor) => ({ shape, dtype: 'float32' as const });
  const programs = capture(
    {
      program: {
        inputs: Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, spec(tensor)])),
        run: (_, symbols) => ({ outputs: fn(symbols) }),
      },
    },
    {},
  );
  const values = Object.entries(inputs).map(([name, tensor]) => [name, tensor.dataSync()]);
  const captured = programs.run('program', Object.fromEntries(values) as Record<string, Float32Array>);
  programs.dispose();
  return [eager, captured];
}

/** Compares the gradients under a policy with those of `keepActivations`, eager and captured. */
function compare(
  policy: CheckpointPolicy,
  specs: ParameterSpecs,
  inputs: Record<string, Tensor>,
  make: (policy: CheckpointPolicy) => Gradients,
): void {
  const allInputs = { ...drawnParams(specs), ...inputs };
  const [expected] = bothWays(make(keepActivations), allInputs);
  expect(Object.keys(expected!).length).toBeGreaterThan(Object.keys(specs).length);
  for (const actual of bothWays(make(policy), allInputs)) {
    expect(Object.keys(actual)).toEqual(Object.keys(expected!));
    for (const [name, values] of Object.entries(expected!)) {
      expect(relativeError(actual[name]!, values), name).toBeLessThan(1e-4);
      expect(
        values.some((value) => value !== 0),
        name,
      ).toBe(true);
    }
  }
}

const POLICIES: Record<string, CheckpointPolicy> = {
  'block inputs': keepBlockInputs,
  'micro-batches of two images': microBatchedPolicy(keepActivations, 2),
  'block inputs and micro-batches of one image': microBatchedPolicy(keepBlockInputs, 1),
};
const CASES = Object.keys(POLICIES).flatMap((name) => variantNames.map((variant) => ({ name, variant })));

describe.each(CASES)('checkpoint policy: $name ($variant)', ({ name, variant }) => {
  const policy = POLICIES[name]!;
  const { model } = tinyConfig({ model: { variant } });
  const images = () => randomTensor(1, [3, 32, 32, 3], 0, 0.5);

  it('the generator has the same gradients in all parameters, images and style codes', () => {
    const { specs } = buildGenerator(model);
    const inputsOfLoss = { images: images(), style: randomTensor(2, [3, model.latentDim]) };
    compare(policy, specs, inputsOfLoss, (tried) => {
      const generator = buildGenerator(model, tried);
      return (inputs) => {
        const tape = new Tape(Object.values(inputs));
        return tape.record(() => {
          const params = generator.derive(without(inputs, 'images', 'style'));
          const code = generator.encode(params, inputs.images!);
          const decoded = generator.decode(params, code.content, inputs.style!);
          const loss = addN([meanSquare(decoded), meanSquare(code.style)]);
          // This includes the gradients in the derived powers of the filters.
          return gradientsOf(tape, loss, { ...params, ...inputs });
        });
      };
    });
  });

  it('the image discriminator has the same gradients, including those of R1', () => {
    const { specs } = buildImageDiscriminator(model);
    compare(policy, specs, { images: images() }, (tried) => {
      const discriminator = buildImageDiscriminator(model, tried);
      return (inputs) => {
        const params = without(inputs, 'images');
        const tape = new Tape(Object.values(inputs));
        return tape.record(() => {
          const { local, global, diversity } = discriminator.apply(params, inputs.images!);
          const heads = [local, global, diversity];
          const penalty = r1Penalty(tape, heads, inputs.images!);
          return { penalty, ...gradientsOf(tape, addN([...heads.map(meanSquare), penalty]), params) };
        });
      };
    });
  });
});

describe('keepBlockInputs', () => {
  it('holds less than half the memory of keepActivations for the gradient', () => {
    const { model } = tinyConfig();
    const kept = (policy: CheckpointPolicy): number =>
      tf.tidy(() => {
        const generator = buildGenerator(model, policy);
        const params = drawnParams(generator.specs);
        const images = randomTensor(1, [1, 32, 32, 3]);
        const before = tf.memory().numBytes;
        const { content, style } = generator.encode(params, images);
        generator.decode(params, content, style);
        return tf.memory().numBytes - before;
      });
    kept(keepActivations); // the first pass makes the constants that all layers share
    expect(kept(keepBlockInputs)).toBeLessThan(0.5 * kept(keepActivations));
  });
});
