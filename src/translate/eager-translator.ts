import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type Architecture, contentSize } from '../model/architecture.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { type NetworkValues, ParameterGroup } from '../model/parameter-groups.js';
import type { Params } from '../model/parameters.js';
import {
  assertStyles,
  type ContentCodes,
  clampPictures,
  countPictures,
  type Direction,
  disposedError,
  NETWORK_OF,
  reverseOf,
  type Translator,
} from './translator.js';

/** Translates kernel by kernel: runs wherever tfjs does, in browsers too. */
export class EagerTranslator implements Translator {
  readonly architecture: Architecture;
  private readonly generator: Generator;
  private readonly params: Readonly<Record<string, Params>>;
  private isDisposed = false;

  /**
   * @param parametersOf gives the parameters of `G_A2B` and `G_B2A`; called once, within a `tf.tidy`. The translator
   *   keeps tensors of its own of what it gives.
   */
  constructor(architecture: Architecture, parametersOf: (generator: Generator) => Record<string, Params>) {
    this.architecture = architecture;
    const generator = buildGenerator(architecture);
    this.generator = generator;
    this.params = tf.tidy(() => {
      const networks = Object.entries(parametersOf(generator)).map(([name, params]) => {
        const derived = generator.derive(params);
        for (const tensor of Object.values(derived)) tf.keep(tensor);
        return [name, derived];
      });
      return Object.fromEntries(networks) as Record<string, Record<string, Tensor>>;
    });
  }

  /** @param values stored weights of `G_A2B` and `G_B2A`. @throws RangeError where they do not fit the architecture. */
  static fromValues(architecture: Architecture, values: NetworkValues): EagerTranslator {
    return new EagerTranslator(architecture, ({ specs }) => {
      const group = new ParameterGroup({ G_A2B: specs, G_B2A: specs });
      const flat = group.pack(values);
      return group.parameters(flat.map((bucket) => tf.tensor1d(bucket)));
    });
  }

  encode(direction: Direction, pictures: Float32Array): ContentCodes {
    const network = this.network(direction);
    const count = countPictures(this.architecture, pictures);
    const codes = tf.tidy(() => {
      const stem = this.generator.stem(network, this.upload(pictures, count));
      return this.generator.contentHead(network, stem).dataSync<'float32'>();
    });
    return { direction, count, codes };
  }

  decode({ direction, count, codes }: ContentCodes, styles: Float32Array): Float32Array {
    const network = this.network(direction);
    assertStyles(this.architecture, count, styles);
    const side = contentSize(this.architecture);
    const pictures = tf.tidy(() => {
      const content = tf.tensor4d(codes, [count, side, side, codes.length / (count * side * side)]);
      const style = tf.tensor2d(styles, [count, this.architecture.latentDim]);
      return this.generator.decode(network, content, style).dataSync<'float32'>();
    });
    return clampPictures(pictures);
  }

  styleOf(direction: Direction, pictures: Float32Array): Float32Array {
    const network = this.network(reverseOf(direction));
    const count = countPictures(this.architecture, pictures);
    return tf.tidy(() =>
      this.generator.styleEncode(network, this.upload(pictures, count)).dataSync<'float32'>(),
    );
  }

  translate(direction: Direction, pictures: Float32Array, styles: Float32Array): Float32Array {
    return this.decode(this.encode(direction, pictures), styles);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    for (const network of Object.values(this.params)) tf.dispose(Object.values(network));
  }

  private network(direction: Direction): Params {
    if (this.isDisposed) throw disposedError();
    return this.params[NETWORK_OF[direction]]!;
  }

  private upload(pictures: Float32Array, count: number): Tensor {
    const { size } = this.architecture;
    return tf.tensor4d(pictures, [count, size, size, 3]);
  }
}
