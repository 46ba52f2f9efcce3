import { toFloat } from '../../data/decode.js';
import { joinPictures } from '../../data/pictures.js';
import { reverseOf } from '../../translate/translator.js';
import type { Metric } from './metric.js';

/**
 * Content consistency: how far the content code of an output lies from that of its input, over how far the code of one
 * input lies from that of another. 0 where content is kept, 1 where an output could be of any input.
 */
export const contentConsistency: Metric<'contentConsistency'> = {
  name: 'contentConsistency',
  problem: ({ method }) => {
    if (method.model === undefined) return 'only a model has content codes';
    return method.inputs < 2 ? 'needs two inputs' : undefined;
  },
  start(_, { method }) {
    const { translator, direction } = method.model!;
    const before: Float32Array[] = [];
    const after: Float32Array[] = [];
    return {
      async add(groups) {
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const encode = (way: typeof direction, pictures: Float32Array[]): Float32Array[] => {
          const { codes } = translator.encode(way, joinPictures(pictures));
          const length = codes.length / pictures.length;
          return pictures.map((_, i) => codes.slice(i * length, (i + 1) * length));
        };
        before.push(
          ...encode(
            direction,
            groups.map(({ source }) => toFloat(source!)),
          ),
        );
        after.push(...encode(reverseOf(direction), outputs.map(toFloat)));
      },
      finish() {
        let [own, others, pairs] = [0, 0, 0];
        for (const [i, code] of after.entries()) own += distance(code, before[i]!) / after.length;
        for (let i = 0; i < after.length; i++) {
          // A few others stand for all, so that many inputs take no time.
          for (let k = 1; k <= Math.min(OTHERS, before.length - 1); k++) {
            others += distance(after[i]!, before[(i + k) % before.length]!);
            pairs++;
          }
        }
        return [
          {
            key: 'content',
            title: 'Content distance',
            better: 'lower',
            value: own / (others / pairs),
            n: { inputs: before.length, pairs },
            how: 'root mean square distance between the content codes of an input and of its first output (by the encoder of the way back), over that between an output and other inputs',
          },
        ];
      },
    };
  },
};

/** Other inputs that each output is compared with. */
const OTHERS = 8;

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
