// Translates kernel by kernel on any tfjs backend, in Node or a browser.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type Architecture, contentSize } from '../model/architecture.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { specsByGenerator } from '../model/networks.js';
import type { NetworkValues, Params } from '../model/parameters.js';
import { ParameterGroup } from '../optim/parameter-groups.js';
import {
  assertStyles,
  type ContentCodes,
  clampImages,
  countImages,
  type Direction,
  disposedError,
  NETWORK_OF,
  reverseOf,
  type Translator,
} from './translator.js';

/** Computes a tensor and reads its values, then frees everything. */
function read(make: () => Tensor): Float32Array {
  return tf.tidy(() => make().dataSync<'float32'>());
}

async function readAsync(make: () => Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(make);
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}

/** Translates kernel by kernel, on any tfjs backend. */
export class EagerTranslator implements Translator {
  readonly architecture: Architecture;
  private readonly generator: Generator;
  private readonly params: Readonly<Record<string, Params>>;
  private isDisposed = false;

  /**
   * @param parametersOf returns the parameters of `G_A2B` and `G_B2A`; called once, within a `tf.tidy`. The translator keeps
   *   its own tensors of them.
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

  /** @param values stored weights of `G_A2B` and `G_B2A`. @throws RangeError if they do not fit the architecture. */
  static fromValues(architecture: Architecture, values: NetworkValues): EagerTranslator {
    return new EagerTranslator(architecture, (generator) => {
      const group = new ParameterGroup(specsByGenerator(generator));
      const flat = group.pack(values);
      return group.parameters(flat.map((bucket) => tf.tensor1d(bucket)));
    });
  }

  encode(direction: Direction, images: Float32Array): ContentCodes {
    const count = countImages(this.architecture, images);
    return { direction, count, codes: read(() => this.contentOf(direction, images, count)) };
  }

  decode(content: ContentCodes, styles: Float32Array): Float32Array {
    return clampImages(read(() => this.imagesOf(content, styles)));
  }

  styleOf(direction: Direction, images: Float32Array): Float32Array {
    return read(() => this.stylesOf(direction, images));
  }

  /** Encodes like `encode`, but waits for a GPU without blocking the thread, as browsers require. */
  async encodeAsync(direction: Direction, images: Float32Array): Promise<ContentCodes> {
    const count = countImages(this.architecture, images);
    return { direction, count, codes: await readAsync(() => this.contentOf(direction, images, count)) };
  }

  /** Decodes like `decode`, without blocking. */
  async decodeAsync(content: ContentCodes, styles: Float32Array): Promise<Float32Array> {
    return clampImages(await readAsync(() => this.imagesOf(content, styles)));
  }

  /** Encodes styles like `styleOf`, without blocking. */
  styleOfAsync(direction: Direction, images: Float32Array): Promise<Float32Array> {
    return readAsync(() => this.stylesOf(direction, images));
  }

  translate(direction: Direction, images: Float32Array, styles: Float32Array): Float32Array {
    return this.decode(this.encode(direction, images), styles);
  }

  dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    for (const network of Object.values(this.params)) tf.dispose(Object.values(network));
  }

  private contentOf(direction: Direction, images: Float32Array, count: number): Tensor {
    const network = this.network(direction);
    return this.generator.contentHead(network, this.generator.stem(network, this.upload(images, count)));
  }

  private imagesOf({ direction, count, codes }: ContentCodes, styles: Float32Array): Tensor {
    const network = this.network(direction);
    assertStyles(this.architecture, count, styles);
    const side = contentSize(this.architecture);
    const content = tf.tensor4d(codes, [count, side, side, codes.length / (count * side * side)]);
    return this.generator.decode(network, content, tf.tensor2d(styles, [count, this.architecture.latentDim]));
  }

  private stylesOf(direction: Direction, images: Float32Array): Tensor {
    const network = this.network(reverseOf(direction));
    const count = countImages(this.architecture, images);
    return this.generator.styleEncode(network, this.upload(images, count));
  }

  private network(direction: Direction): Params {
    if (this.isDisposed) throw disposedError();
    return this.params[NETWORK_OF[direction]]!;
  }

  private upload(images: Float32Array, count: number): Tensor {
    const { size } = this.architecture;
    return tf.tensor4d(images, [count, size, size, 3]);
  }
}
