// The content consistency metric.
import { z } from 'zod';
import { toFloat } from '../../data/decode.js';
import { joinFloats } from '../../data/image-arrays.js';
import { reverseOf } from '../../translate/translator.js';
import { defineMetric } from './metric.js';

/**
 * Content consistency: the distance between the content codes of an output and its input, divided by the distance
 * between codes of different inputs. 0 if content is preserved; 1 if an output could belong to any input; no figure if
 * all codes are equal. No loss aligns the codes of the two domains. If they lie apart as wholes, the figure stays near
 * 1 although content is preserved (the sample model: 0.995, its faces in place), and only compares models of the same
 * run.
 */
export const contentConsistency = defineMetric({
  summary:
    "distance between the content codes of input and output, over that to other inputs; near 1 where the domains' codes lie apart",
  family: 'faithfulness',
  options: z.strictObject({}),
  headings: () => ({ content: { title: 'Content distance', better: 'lower' } }),
  problem: ({ method }) => {
    if (method.model === undefined) return 'only a model has content codes';
    return method.inputs < 2 ? 'needs at least two inputs' : undefined;
  },
  start(_, { method, signal }) {
    const { translator, direction } = method.model!;
    const sums = new Sums();
    return {
      async add(groups) {
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const encode = (way: typeof direction, images: Float32Array[]): Float32Array[] => {
          const { codes } = translator.encode(way, joinFloats(images));
          const length = codes.length / images.length;
          return images.map((_, i) => codes.slice(i * length, (i + 1) * length));
        };
        const before = encode(
          direction,
          groups.map(({ source }) => toFloat(source!)),
        );
        const after = encode(reverseOf(direction), outputs.map(toFloat));
        for (const [i, code] of after.entries()) {
          signal?.throwIfAborted();
          sums.add(before[i]!, code);
        }
      },
      finish() {
        const { inputs, pairs, ownDistance, otherDistance } = sums.finish();
        if (otherDistance === 0) return [];
        return [
          {
            key: 'content',
            value: ownDistance / inputs / (otherDistance / pairs),
            n: { inputs, pairs },
            how: 'root mean square distance between the content codes of an input and of its first output (by the encoder of the way back), over that between an output and other inputs',
          },
        ];
      },
    };
  },
});

/** Maximum number of other inputs that each output is compared with: the next ones, the first following the last. */
const MAX_OTHERS = 8;

/** Sums of distances. Codes are large, so it keeps only a few. */
class Sums {
  inputs = 0;
  /** Pairs of an output and another input. */
  pairs = 0;
  /** Sum of the distances of outputs to their inputs. */
  ownDistance = 0;
  /** Sum of the distances over the pairs. */
  otherDistance = 0;
  /** Codes of the first inputs. */
  private readonly firstInputs: Float32Array[] = [];
  /** Codes of the last outputs, the newest last. */
  private readonly lastOutputs: Float32Array[] = [];

  /** Adds the next input and its output. */
  add(before: Float32Array, after: Float32Array): void {
    for (const earlier of this.lastOutputs) this.addOther(earlier, before);
    this.ownDistance += distance(after, before);
    if (this.firstInputs.length < MAX_OTHERS) this.firstInputs.push(before);
    this.lastOutputs.push(after);
    if (this.lastOutputs.length > MAX_OTHERS) this.lastOutputs.shift();
    this.inputs++;
  }

  /** Adds the pairs of the last outputs and the first inputs; called once at the end. */
  finish(): this {
    const max = Math.min(MAX_OTHERS, this.inputs - 1);
    for (const [i, after] of this.lastOutputs.entries()) {
      const inputsAfter = this.lastOutputs.length - 1 - i;
      for (const before of this.firstInputs.slice(0, Math.max(0, max - inputsAfter)))
        this.addOther(after, before);
    }
    return this;
  }

  private addOther(after: Float32Array, before: Float32Array): void {
    this.otherDistance += distance(after, before);
    this.pairs++;
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
