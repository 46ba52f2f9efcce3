import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HostBatch } from '../../src/gan/batch.js';
import { bothDomains } from '../../src/gan/domains.js';
import { buildNetworks, type Networks } from '../../src/gan/networks.js';
import { stateLayout, stateVectors, unflattenState } from '../../src/gan/state.js';
import { type StepContext, trainStep } from '../../src/gan/step.js';
import { stepScalars } from '../../src/gan/step-scalars.js';
import {
  GENERATOR_NAMES,
  NETWORK_NAMES,
  type NetworkName,
  specsByNetwork,
} from '../../src/model/networks.js';
import type { NetworkValues, ParameterSpecs, ParameterValues, Params } from '../../src/model/parameters.js';
import { ParameterGroup } from '../../src/optim/parameter-groups.js';
import { hasR1 } from '../../src/optim/schedule.js';
import { buildLpips } from '../../src/perceptual/lpips.js';
import { loadEngine } from '../../src/runtime/node.js';
import { CapturedTrainer } from '../../src/train/captured-trainer.js';
import { EagerTrainer, uploadBatch, uploadScalars } from '../../src/train/eager-trainer.js';
import { configOf, formulaLpips, ReferenceRun, relativeError } from '../support/reference.js';
import { collectState } from '../support/state.js';

/** The terms here whose sum is the reference's term of that name. */
const TERMS: Record<string, string[]> = {
  D_adv: ['discriminators/images', 'discriminators/styles'],
  r1_A: ['discriminators/r1A'],
  r1_B: ['discriminators/r1B'],
  r1_L: ['discriminators/r1Styles'],
  G_adv: ['generators/adversarial', 'generators/latentAdversarial'],
  G_con: ['generators/styleConsistency'],
  G_cycle: ['generators/cycle'],
  G_style: ['generators/styleReconstruction'],
  G_id: ['generators/identity'],
  lpips: ['generators/lpips'],
};

function parametersOf(
  run: ReferenceRun,
  networks: Networks,
  stage: string,
  options = { withGain: true },
): NetworkValues {
  const specs = specsByNetwork(networks);
  const read = (name: NetworkName): ParameterValues =>
    run.parameters(`${stage}/${name}`, specs[name], options);
  return Object.fromEntries(NETWORK_NAMES.map((name) => [name, read(name)]));
}

function effective(specs: ParameterSpecs, values: ParameterValues): Params {
  const group = new ParameterGroup({ net: specs });
  const params = group.parameters(group.pack({ net: values }).map((flat) => tf.tensor1d(flat)));
  return params.net!;
}

describe.each(['main', 'train'])('variant %s', (variant) => {
  let run: ReferenceRun;
  let networks: Networks;
  let context: StepContext;

  beforeAll(async () => {
    await loadEngine();
    run = new ReferenceRun(variant);
    const config = configOf(run.config);
    networks = buildNetworks(config);
    const lpips = buildLpips('vgg');
    const perceptual = { lpips, params: effective(lpips.specs, formulaLpips('vgg', lpips.specs)) };
    context = { config, networks, ...(run.config.lpips && { perceptual }) };
  });

  function expectForward(name: string, actual: tf.Tensor): void {
    const expected = run.tensor(`forward/${name}`).dataSync();
    expect(relativeError(actual.dataSync(), expected), name).toBeLessThan(1e-4);
  }

  it('computes the forward figures within 1e-4 of the largest magnitude', () => {
    tf.tidy(() => {
      const values = parametersOf(run, networks, 'init');
      const image = run.tensor('forward/image');
      const z = run.tensor('forward/z');
      for (const name of GENERATOR_NAMES) {
        const params = effective(networks.generator.specs, values[name]!);
        const { content, style } = networks.generator.encode(params, image);
        expectForward(`${name}/content`, content);
        expectForward(`${name}/style`, style);
        expectForward(`${name}/mapped`, networks.generator.map(params, z));
        expectForward(`${name}/decoded`, networks.generator.decode(params, content, z));
      }
      for (const name of ['D_A', 'D_B'] as const) {
        const params = effective(networks.imageDiscriminator.specs, values[name]!);
        const logits = networks.imageDiscriminator.apply(params, image);
        for (const head of ['local', 'global', 'diversity'] as const)
          expectForward(`${name}/${head}`, logits[head]);
      }
      const params = effective(networks.latentDiscriminator.specs, values.D_L!);
      expectForward('D_L/logit', networks.latentDiscriminator.apply(params, z));
    });
  });

  function batchOf(step: number): HostBatch {
    const read = (name: string) => tf.tidy(() => run.tensor(`step${step}/${name}`).dataSync<'float32'>());
    const rows = (name: string) =>
      tf.tidy(() => run.tensor(`step${step}/${name}`).dataSync<'int32'>().slice(0, run.config.batch));
    const directions = { A: 'A2B', B: 'B2A' };
    return bothDomains((domain) => ({
      same: read(domain),
      mixed: read(`aug_${domain}`),
      drawn: read(`rand_${directions[domain]}_style`),
      pick: rows(`mix_${directions[domain]}`),
      order: rows(`shuffle_${directions[domain]}_style`),
    }));
  }

  it('computes the gradients of step 0 within 2e-3 of the largest magnitude', () => {
    tf.tidy(() => {
      const host = { values: parametersOf(run, networks, 'init') };
      const vectors = [...stateVectors(stateLayout(networks, false), host)];
      const state = unflattenState(
        Object.fromEntries(vectors.map(([name, values]) => [name, tf.tensor1d(values)])),
      );
      const batch = uploadBatch(batchOf(0), context);
      const scalars = uploadScalars(stepScalars(context, 0));
      expectGradients(trainStep(context, state, batch, scalars, hasR1(0, context.config.training)).gradients);
    });
  });

  it.each([
    ['eager', EagerTrainer],
    ['captured', CapturedTrainer],
  ] as const)(
    'the %s trainer has the loss terms, final parameters and averages of the reference',
    async (_, Trainer) => {
      const trainer = new Trainer(context, { values: parametersOf(run, networks, 'init') });
      for (const [step, row] of run.steps.entries()) {
        const batch = batchOf(step);
        const before = tf.memory().numTensors;
        const terms = await trainer.step(batch, step);
        // The first step also makes the constants that all steps share.
        if (step > 0) expect(tf.memory().numTensors, 'a step leaves no tensor behind').toBe(before);
        expectTerms(step, row, terms);
      }
      expectFinal(collectState(trainer.read()));
      trainer.dispose();
    },
  );

  function expectGradients(gradients: { generators: tf.Tensor[]; discriminators: tf.Tensor[] }): void {
    const read = (group: ParameterGroup, tensors: tf.Tensor[]): NetworkValues =>
      group.unpack(tensors.map((tensor) => tensor.dataSync<'float32'>()));
    const specs = specsByNetwork(networks);
    const actual = {
      ...read(networks.generators, gradients.generators),
      ...read(networks.discriminators, gradients.discriminators),
    };
    const expected = parametersOf(run, networks, 'grad0', { withGain: false });
    for (const name of NETWORK_NAMES)
      for (const [path, gradient] of Object.entries(expected[name]!)) {
        // A parameter here is the reference's times the gain, so the reference's gradient is the one here times the gain.
        const { gain } = specs[name][path]!;
        const scaled = actual[name]![path]!.map((value) => value * gain);
        expect(relativeError(scaled, gradient), `${name}/${path}`).toBeLessThan(2e-3);
      }
  }

  function expectTerms(step: number, row: Record<string, number>, terms: Record<string, number>): void {
    const { r1, dRegEvery } = run.config;
    const tolerance = step <= 2 ? 1e-3 : 5e-2;
    let compared = 0;
    for (const [name, parts] of Object.entries(TERMS)) {
      if (row[name] === undefined) continue;
      const weight = name.startsWith('r1') ? (r1 / 2) * dRegEvery : 1;
      const sum = parts.reduce((total, part) => total + terms[part]!, 0) / weight;
      expect(Math.abs(sum / row[name] - 1), `${name} in step ${step}`).toBeLessThan(tolerance);
      compared += parts.length;
    }
    const ofLosses = Object.keys(terms).filter((name) => !name.startsWith('signals/'));
    expect(compared, 'every term has its figure').toBe(ofLosses.length);
  }

  function expectFinal(final: { values: NetworkValues; ema: NetworkValues }): void {
    const { learningRate, steps } = run.config;
    const expected = parametersOf(run, networks, 'final');
    const specs = specsByNetwork(networks);
    const averages = Object.fromEntries(
      GENERATOR_NAMES.map((name) => [name, run.parameters(`final/${name}_ema`, networks.generator.specs)]),
    );
    let count = 0;
    let close = 0;
    let furthest = 0;
    for (const [ours, theirs] of [
      [final.values, expected],
      [final.ema, averages],
    ] as const)
      for (const [name, tree] of Object.entries(theirs))
        for (const [path, values] of Object.entries(tree)) {
          const { gain } = specs[name as NetworkName][path]!;
          values.forEach((value, i) => {
            // In the reference's units, where every parameter takes steps of the learning rate.
            const difference = Math.abs(ours[name]![path]![i]! - value) / gain;
            count++;
            if (difference < 1e-4) close++;
            furthest = Math.max(furthest, difference);
          });
        }
    expect(close / count).toBeGreaterThan(0.97);
    expect(furthest).toBeLessThan(2 * learningRate * steps);
  }
});
