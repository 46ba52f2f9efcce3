import { toFloat } from '../../data/decode.js';
import { joinPictures } from '../../data/pictures.js';
import { reverseOf } from '../../translate/translator.js';
import type { Metric } from './metric.js';

/**
 * Content consistency: how far the content code of an output lies from that of its input, over how far the code of one
 * input lies from that of another. 0 where content is kept, 1 where an output could be of any input; no figure where all
 * codes are one. No loss holds the codes of the two domains together: where they lie apart as wholes it stays near 1
 * although content is kept (the sample model: 0.995, its faces in place), and compares models of one training alone.
 */
export const contentConsistency: Metric<'contentConsistency'> = {
  name: 'contentConsistency',
  problem: ({ method }) => {
    if (method.model === undefined) return 'only a model has content codes';
    return method.inputs < 2 ? 'needs two inputs' : undefined;
  },
  start(_, { method, signal }) {
    const { translator, direction } = method.model!;
    const sums = new Sums();
    return {
      async add(groups) {
        const outputs = await Promise.all(groups.map(({ outputs: [first] }) => first!.read()));
        const encode = (way: typeof direction, images: Float32Array[]): Float32Array[] => {
          const { codes } = translator.encode(way, joinPictures(images));
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
        const { inputs, pairs, own, others } = sums.finish();
        if (others === 0) return [];
        return [
          {
            key: 'content',
            title: 'Content distance',
            better: 'lower',
            value: own / inputs / (others / pairs),
            n: { inputs, pairs },
            how: 'root mean square distance between the content codes of an input and of its first output (by the encoder of the way back), over that between an output and other inputs',
          },
        ];
      },
    };
  },
};

/** Other inputs that each output is compared with, at most: those after it, the first ones following the last. */
const OTHERS = 8;

/** Sums of distances; of all codes, which are large, it keeps few. */
class Sums {
  inputs = 0;
  /** Of outputs and other inputs. */
  pairs = 0;
  /** Over outputs, to their inputs. */
  own = 0;
  /** Over pairs. */
  others = 0;
  /** Codes of the first inputs. */
  private readonly firstInputs: Float32Array[] = [];
  /** Codes of the last outputs, the newest last. */
  private readonly lastOutputs: Float32Array[] = [];

  /** The next input and its output. */
  add(before: Float32Array, after: Float32Array): void {
    for (const earlier of this.lastOutputs) this.addOther(earlier, before);
    this.own += distance(after, before);
    if (this.firstInputs.length < OTHERS) this.firstInputs.push(before);
    this.lastOutputs.push(after);
    if (this.lastOutputs.length > OTHERS) this.lastOutputs.shift();
    this.inputs++;
  }

  /** Adds the pairs of the last outputs and the first inputs: once, in the end. */
  finish(): this {
    const most = Math.min(OTHERS, this.inputs - 1);
    for (const [i, after] of this.lastOutputs.entries()) {
      const inputsAfter = this.lastOutputs.length - 1 - i;
      for (const before of this.firstInputs.slice(0, Math.max(0, most - inputsAfter)))
        this.addOther(after, before);
    }
    return this;
  }

  private addOther(after: Float32Array, before: Float32Array): void {
    this.others += distance(after, before);
    this.pairs++;
  }
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum / a.length);
}
