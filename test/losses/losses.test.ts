import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  discriminatorLoss,
  generatorLoss,
  relativeLogits,
  relativisticDiscriminatorLoss,
} from '../../src/losses/adversarial.js';
import { chosenLosses, LOSS_NAMES, lossesSchema } from '../../src/losses/chosen.js';
import { cycleLoss } from '../../src/losses/cycle.js';
import { equivarianceLoss } from '../../src/losses/equivariance.js';
import { identityLoss } from '../../src/losses/identity.js';
import { lecamPenalty } from '../../src/losses/lecam.js';
import { lpipsLoss } from '../../src/losses/lpips.js';
import { r1Penalty } from '../../src/losses/r1.js';
import { l1Distance, l2Distance } from '../../src/losses/reconstruction.js';
import { styleCosineDistance, styleVariance } from '../../src/losses/style-consistency.js';
import { styleDiversificationLoss } from '../../src/losses/style-diversification.js';
import { styleReconstructionLoss } from '../../src/losses/style-reconstruction.js';
import { totalLoss } from '../../src/losses/total.js';
import { keepActivations } from '../../src/model/checkpointing.js';
import { mean, multiply, reshape, scale, square, sum } from '../../src/ops/arithmetic.js';
import { Tape } from '../../src/ops/autodiff.js';
import { type Lpips, lpipsDistances } from '../../src/perceptual/lpips.js';
import { loadEngine } from '../../src/runtime/node.js';
import { checkGradients } from '../support/gradients.js';
import { halved } from '../support/halved.js';
import { randomTensor, separatedTensor, valuesOf } from '../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const softplus = (x: number): number => Math.log1p(Math.exp(x));

function expectScalar(actual: tf.Tensor, expected: number): void {
  expect(actual.shape).toEqual([]);
  expect(Math.abs(valuesOf(actual)[0]! - expected)).toBeLessThan(2e-6 * (1 + Math.abs(expected)));
}

describe('adversarial losses', () => {
  /** Heads of different sizes, as a discriminator has them. */
  const heads = (seed: number): tf.Tensor[] => [
    randomTensor(seed, [2, 4, 4, 1], 0, 3),
    randomTensor(seed + 1, [2, 1]),
    randomTensor(seed + 2, [2, 1], 5),
  ];

  it('the discriminator loss is the mean softplus of the wrong sign for each head, summed over the heads', () => {
    const expected =
      heads(1)
        .map((head) => average(valuesOf(head).map((x) => softplus(-x))))
        .reduce((a, b) => a + b) +
      heads(4)
        .map((head) => average(valuesOf(head).map(softplus)))
        .reduce((a, b) => a + b);
    expectScalar(discriminatorLoss(heads(1), heads(4)), expected);
  });

  it('the generator loss is the mean softplus of minus the logit for each head, averaged over the heads', () => {
    expectScalar(
      generatorLoss(heads(1)),
      average(heads(1).map((head) => average(valuesOf(head).map((x) => softplus(-x))))),
    );
  });

  it('are 0 if the discriminator is certain and right, and large if it is certain and wrong', () => {
    const [high, low] = [[tf.fill([2, 1], 40)], [tf.fill([2, 1], -40)]];
    expectScalar(discriminatorLoss(high, low), 0);
    expectScalar(discriminatorLoss(low, high), 80);
    expectScalar(generatorLoss(high), 0);
    expectScalar(generatorLoss(low), 40);
  });

  it('have the gradients of finite differences', () => {
    const logits = (): tf.Tensor[] => [randomTensor(1, [2, 3]), randomTensor(2, [2, 1])];
    checkGradients((real, fake) => discriminatorLoss([real!], [fake!]), logits(), 1);
    checkGradients((...heads) => generatorLoss(heads), logits(), 1);
  });

  it('in the relativistic form are softplus of the difference in each pair, with opposite signs for the two sides', () => {
    const differences = heads(1).map((head, i) => {
      const other = valuesOf(heads(4)[i]!);
      return valuesOf(head).map((x, j) => x - other[j]!);
    });
    const sums = (sign: number) =>
      differences.map((head) => average(head.map((x) => softplus(sign * x)))).reduce((a, b) => a + b);
    expectScalar(relativisticDiscriminatorLoss(heads(4), heads(1)), sums(1));
    expectScalar(generatorLoss(relativeLogits(heads(1), heads(4))), sums(-1) / 3);
  });

  it('in the relativistic form do not depend on a number that is added to all logits', () => {
    const raised = (logits: tf.Tensor[]) => logits.map((head) => tf.add(head, 3));
    const plain = valuesOf(relativisticDiscriminatorLoss(heads(1), heads(4)))[0]!;
    expectScalar(relativisticDiscriminatorLoss(raised(heads(1)), raised(heads(4))), plain);
  });

  it('in the relativistic form have the gradients of finite differences', () => {
    const logits = (): tf.Tensor[] => [randomTensor(1, [2, 3]), randomTensor(2, [2, 3])];
    checkGradients((real, fake) => relativisticDiscriminatorLoss([real!], [fake!]), logits(), 1);
  });
});

describe('the LeCam penalty', () => {
  const anchors = (): tf.Tensor =>
    tf.tensor2d([
      [1, -2],
      [0.5, 3],
    ]);
  const logits = (seed: number): tf.Tensor[] => [
    randomTensor(seed, [2, 4, 4, 1], 0, 3),
    randomTensor(seed + 1, [2, 1]),
  ];

  it('is the mean squared distance of real logits to the average of translations and the reverse, summed over the heads', () => {
    const distance = (head: tf.Tensor, anchor: number) =>
      average(valuesOf(head).map((x) => (x - anchor) ** 2));
    const [real, fake] = [logits(1), logits(3)];
    const expected =
      distance(real[0]!, 0.5) + distance(real[1]!, 3) + distance(fake[0]!, 1) + distance(fake[1]!, -2);
    expectScalar(lecamPenalty(real, fake, anchors()), expected);
  });

  it('has the gradients of finite differences', () => {
    const pair = (): tf.Tensor[] => [randomTensor(1, [2, 3]), randomTensor(2, [2, 3])];
    checkGradients((real, fake) => lecamPenalty([real!], [fake!], anchors()), pair(), 1);
  });
});

describe('distances', () => {
  const a = (): tf.Tensor => randomTensor(1, [2, 4, 4, 3]);
  const b = (): tf.Tensor => randomTensor(2, [2, 4, 4, 3]);
  const differences = (): number[] => valuesOf(a()).map((value, i) => value - valuesOf(b())[i]!);
  const squared = (): number => average(differences().map((d) => d * d));
  const absolute = (): number => average(differences().map(Math.abs));

  it('l2 is the mean square of the difference and l1 its mean magnitude', () => {
    expectScalar(l2Distance(a(), b()), squared());
    expectScalar(l1Distance(a(), b()), absolute());
  });

  it('the cycle loss takes either form, the identity loss l1, the style reconstruction loss l2', () => {
    expectScalar(cycleLoss('l2', a(), b()), squared());
    expectScalar(cycleLoss('l1', a(), b()), absolute());
    expectScalar(identityLoss(a(), b()), absolute());
    expectScalar(styleReconstructionLoss(a(), b()), squared());
  });

  it('have the gradients of finite differences', () => {
    const pair = (): tf.Tensor[] => [separatedTensor(1, [2, 3], 0.3), tf.fill([2, 3], 0.3)];
    for (const fn of [l1Distance, l2Distance]) checkGradients((x, y) => fn(x!, y!), pair(), 1);
  });
});

describe('style consistency', () => {
  const rows = [
    [1, 2, -1],
    [0.5, -2, 3],
    [2, 2, 2],
    [-1, 0.25, 1],
  ];
  const styles = (): tf.Tensor => tf.tensor2d(rows);

  it('in the variance form is the biased variance over the batch, summed over the code', () => {
    const expected = [0, 1, 2].map((feature) => {
      const column = rows.map((row) => row[feature]!);
      const centre = average(column);
      return average(column.map((value) => (value - centre) ** 2));
    });
    expectScalar(
      styleVariance(styles()),
      expected.reduce((a, b) => a + b),
    );
  });

  it('in the cosine form is one minus the similarity, summed over all ordered pairs', () => {
    const norm = (row: number[]): number => Math.hypot(...row);
    let expected = 0;
    for (const p of rows)
      for (const q of rows)
        expected += 1 - p.reduce((total, value, i) => total + value * q[i]!, 0) / (norm(p) * norm(q));
    expectScalar(styleCosineDistance(styles()), expected);
  });

  it('is 0 for equal style codes, and the cosine form ignores their length', () => {
    const same = tf.tile(tf.tensor2d([[1, -2, 3]]), [3, 1]);
    expectScalar(styleVariance(same), 0);
    expectScalar(styleCosineDistance(same), 0);
    const longer = tf.mul(same, tf.tensor2d([[1], [2], [5]]));
    expectScalar(styleCosineDistance(longer), 0);
    expect(valuesOf(styleVariance(longer))[0]).toBeGreaterThan(1);
  });

  it('has gradients, which are finite for a style code of zeros too', () => {
    checkGradients((x) => styleVariance(x!), [styles()], 1);
    checkGradients((x) => styleCosineDistance(x!), [styles()], 1);
    const zeros = tf.zeros([2, 3]);
    const tape = new Tape([zeros]);
    const loss = tape.record(() => styleCosineDistance(zeros));
    expect(valuesOf(tape.gradients(loss, [zeros])[0]!).every(Number.isFinite)).toBe(true);
  });
});

describe('style diversification', () => {
  const a = (): tf.Tensor => randomTensor(1, [2, 4, 4, 3]);
  const b = (): tf.Tensor => randomTensor(2, [2, 4, 4, 3]);

  it('is minus the mean magnitude of the difference, so that a lower loss is a larger difference', () => {
    const difference = average(valuesOf(a()).map((value, i) => Math.abs(value - valuesOf(b())[i]!)));
    expectScalar(styleDiversificationLoss(a(), b()), -difference);
    expectScalar(styleDiversificationLoss(a(), a()), 0);
  });

  it('has the gradients of finite differences', () => {
    checkGradients(
      (x) => styleDiversificationLoss(x!, tf.fill([2, 3], 0.3)),
      [separatedTensor(1, [2, 3], 0.3)],
      1,
    );
  });
});

describe('equivariance', () => {
  const SHAPE = [2, 8, 8, 3] as const;
  const a = (): tf.Tensor => randomTensor(1, [...SHAPE]);
  const b = (): tf.Tensor => randomTensor(2, [...SHAPE]);
  /** Two thirds of the pixels. */
  const overlap = (): tf.Tensor =>
    tf.tensor(
      Array.from({ length: 128 }, (_, i) => Number(i % 3 !== 0)),
      [2, 8, 8, 1],
    );

  it('is the mean magnitude of the difference within the overlap, halved twice', () => {
    const [first, second, mask] = [valuesOf(a()), valuesOf(b()), valuesOf(overlap())];
    const planes = [0, 1].flatMap((image) =>
      [0, 1, 2].map((channel) =>
        Array.from({ length: 8 }, (_, y) =>
          Array.from({ length: 8 }, (_, x) => {
            const pixel = (image * 8 + y) * 8 + x;
            return mask[pixel]! * (first[3 * pixel + channel]! - second[3 * pixel + channel]!);
          }),
        ),
      ),
    );
    const left = planes.flatMap((plane) => halved(halved(plane)).flat());
    expectScalar(equivarianceLoss(a(), b(), overlap()), average(left.map(Math.abs)));
    expectScalar(equivarianceLoss(a(), a(), overlap()), 0);
  });

  it('has the gradients of finite differences', () => {
    const mask = tf.tensor([...Array(8).fill(1), ...Array(8).fill(0)], [1, 4, 4, 1]);
    checkGradients(
      (x) => equivarianceLoss(x!, tf.fill([1, 4, 4, 3], 3), mask),
      [separatedTensor(1, [1, 4, 4, 3], 0.3)],
      1,
    );
  });
});

describe('R1', () => {
  const COUNT = 3;
  const images = (): tf.Tensor => randomTensor(1, [COUNT, 2, 2, 3]);
  const weights = (): tf.Tensor => randomTensor(2, [1, 2, 2, 3]);
  /** Logits `sum(w x^2)`, whose gradient in x is `2 w x`, and `3 sum(w x)`, whose is `3 w`. */
  const heads = (x: tf.Tensor, w: tf.Tensor): tf.Tensor[] => {
    const repeated = tf.tile(w, [COUNT, 1, 1, 1]);
    const logit = (values: tf.Tensor): tf.Tensor => reshape(sum(values, [1, 2, 3]), [COUNT, 1]);
    return [logit(multiply(repeated, square(x))), logit(scale(multiply(repeated, x), 3))];
  };

  it('is the squared norm of the gradient of each mean logit, averaged over the batch, summed over the heads', () => {
    const x = images();
    const tape = new Tape([x]);
    const penalty = tape.record(() => r1Penalty(tape, heads(x, weights()), x));
    const w = valuesOf(weights());
    const perImage = w.length;
    // The mean over the batch is part of the logit, so every gradient is divided by COUNT.
    const first = valuesOf(x).reduce((total, value, i) => total + (2 * w[i % perImage]! * value) ** 2, 0);
    const second = COUNT * w.reduce((total, value) => total + (3 * value) ** 2, 0);
    expectScalar(penalty, (first + second) / COUNT / COUNT ** 2);
  });

  it('has gradients in the parameters of the discriminator', () => {
    const x = images();
    const scales = randomTensor(3, [COUNT, 2, 2, 3]);
    const penaltyOf = (weightsOfLogit: tf.Tensor): { tape: Tape; penalty: tf.Tensor } => {
      const tape = new Tape([x, weightsOfLogit]);
      const penalty = tape.record(() =>
        r1Penalty(tape, [reshape(mean(multiply(weightsOfLogit, square(x)), [1, 2, 3]), [COUNT, 1])], x),
      );
      return { tape, penalty };
    };
    const { tape, penalty } = penaltyOf(scales);
    // |2 s x / 12 / COUNT|^2 / COUNT: the derivative in s is 2 / s of each part.
    const expected = valuesOf(scales).map(
      (s, i) => (2 * s * (valuesOf(x)[i]! * (2 / 12 / COUNT)) ** 2) / COUNT,
    );
    const [gradient] = tape.gradients(penalty, [scales]);
    valuesOf(gradient!).forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 6);
    });
  });

  it('throws if the tape does not watch the input', () => {
    const x = images();
    const w = weights();
    const tape = new Tape([w]);
    expect(() => tape.record(() => r1Penalty(tape, [sum(multiply(w, w))], x))).toThrow(RangeError);
  });
});

describe('LPIPS loss', () => {
  it('is the mean distance of the images to their originals', () => {
    // A network that sees only the first number of every image.
    const lpips: Lpips = {
      specs: {},
      features: (_, images) => [tf.slice(reshape(images, [images.shape[0]!, 12]), [0, 0], [-1, 1])],
      distance: (_, a, b) => reshape(tf.sub(tf.mul(a[0]!, 2), b[0]!), [3]),
    };
    const [a, b] = [randomTensor(1, [3, 2, 2, 3]), randomTensor(2, [3, 2, 2, 3])];
    const first = (x: tf.Tensor): number[] => [0, 12, 24].map((i) => valuesOf(x)[i]!);
    const distances = lpipsDistances(lpips, {}, keepActivations);
    expectScalar(lpipsLoss(distances, a, b), average(first(a).map((value, i) => 2 * value - first(b)[i]!)));
  });
});

describe('weights and totals', () => {
  it('the losses of a config are those whose weight is above 0, in the order of the registry', () => {
    const config = lossesSchema.parse({ identity: 3, cycle: { weight: 0 }, latentAdversarial: 0 });
    const chosen = chosenLosses(config);
    expect(chosen.map(({ name }) => name)).toEqual(
      LOSS_NAMES.filter(
        (name) =>
          !['cycle', 'latentAdversarial', 'styleDiversification', 'equivariance', 'spectrum'].includes(name),
      ),
    );
    expect(chosen.find(({ name }) => name === 'styleConsistency')?.weight).toBe(50);
    expect(chosen.find(({ name }) => name === 'identity')?.weight).toBe(3);
  });

  it('the total loss is the sum of the terms', () => {
    expectScalar(totalLoss({ a: tf.scalar(1), b: tf.scalar(-4), c: tf.scalar(2.5) }), -0.5);
    expectScalar(totalLoss({ a: tf.scalar(1) }), 1);
  });
});
