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
    const { translator, direction, readInputs } = method.model!;
    const total = method.inputs;
    const maxOthers = Math.min(MAX_OTHERS, total - 1);
    const encode = (way: typeof direction, images: Float32Array[]): Float32Array[] => {
      const { codes } = translator.encode(way, joinFloats(images));
      const length = codes.length / images.length;
      return images.map((_, i) => codes.slice(i * length, (i + 1) * length));
    };
    /** Codes of the inputs after the last batch, which are often the next batch. */
    let ahead: { inputs: readonly number[]; codes: Float32Array[] } | undefined;
    return {
      /** The distances of each output to its input, and to the inputs after it. */
      async measure(groups) {
        const inputs = groups.map(({ input }) => input!);
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const before = isEqual(ahead?.inputs, inputs)
          ? ahead!.codes
          : encode(
              direction,
              groups.map(({ source }) => toFloat(source!)),
            );
        const next = Array.from({ length: maxOthers }, (_, k) => (inputs.at(-1)! + 1 + k) % total);
        const sources = await readInputs(next);
        ahead = { inputs: next, codes: encode(direction, sources.map(toFloat)) };
        const from = [...before, ...ahead.codes];
        const after = encode(reverseOf(direction), outputs.map(toFloat));
        return after.map((code, i): Distances => {
          signal?.throwIfAborted();
          return {
            own: distance(code, before[i]!),
            others: Array.from({ length: maxOthers }, (_, k) => distance(code, from[i + 1 + k]!)),
          };
        });
      },
      finish(parts: readonly Distances[][]) {
        const measured = parts.flat();
        const inputs = measured.length;
        const pairs = inputs * maxOthers;
        const ownDistance = measured.reduce((sum, { own }) => sum + own, 0);
        const otherDistance = measured.reduce((sum, { others }) => others.reduce((a, b) => a + b, sum), 0);
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

/** Distances of an output. */
interface Distances {
  own: number;
  others: number[];
}

const isEqual = (a: readonly number[] | undefined, b: readonly number[]): boolean =>
  a?.length === b.length && a.every((value, i) => value === b[i]);

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
