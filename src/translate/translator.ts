import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/architecture.js';
import { buildGenerator, type Generator } from '../model/generator.js';
import { type NetworkValues, ParameterGroup } from '../model/parameter-groups.js';
import type { Params } from '../model/parameters.js';
import type { Rng } from '../runtime/rng.js';

/** Photo to anime, or back. */
export type Direction = 'A2B' | 'B2A';

/** Content codes of some pictures, on the device; the caller disposes them. */
export interface ContentCodes {
  direction: Direction;
  count: number;
  codes: Tensor;
}

/** Style codes drawn from the distribution that training draws from: `count * latentDim` numbers. */
export function drawStyles(rng: Rng, count: number, latentDim: number): Float32Array {
  return rng.normals(count * latentDim);
}

/**
 * Translates with fixed weights: pictures to content codes once, then to as many pictures as there are styles. Works on
 * host arrays; runs wherever tfjs does.
 */
export class Translator {
  readonly architecture: Architecture;
  private readonly generator: Generator;
  private readonly params: Record<Direction, Params>;

  /** @param values stored weights of `G_A2B` and `G_B2A`. @throws RangeError where they do not fit the architecture. */
  constructor(architecture: Architecture, values: NetworkValues) {
    this.architecture = architecture;
    this.generator = buildGenerator(architecture);
    const group = new ParameterGroup({ G_A2B: this.generator.specs, G_B2A: this.generator.specs });
    const { G_A2B, G_B2A } = group.keepParameters(values) as { G_A2B: Params; G_B2A: Params };
    group.dispose();
    this.params = { A2B: G_A2B, B2A: G_B2A };
  }

  /** Content codes of pictures `[n, size, size, 3]` in [-1, 1], to be decoded in the same direction. */
  encode(direction: Direction, pictures: Float32Array): ContentCodes {
    const codes = tf.tidy(() => {
      const network = this.params[direction];
      return this.generator.contentHead(network, this.generator.stem(network, this.upload(pictures)));
    });
    return { direction, count: codes.shape[0]!, codes };
  }

  /** Pictures `[n, size, size, 3]`, clamped to [-1, 1], of content codes with one style each: `[n, latentDim]`. */
  decode(content: ContentCodes, styles: Float32Array): Float32Array {
    return tf.tidy(() => {
      const codes = tf.tensor2d(styles, [content.count, this.architecture.latentDim]);
      const pictures = this.generator.decode(this.params[content.direction], content.codes, codes);
      return tf.clipByValue(pictures, -1, 1).dataSync<'float32'>();
    });
  }

  /**
   * Style codes `[n, latentDim]` of pictures of the domain that `direction` translates to, for use in that direction.
   * They are encoded by the other direction's encoder, which is the one that knows that domain.
   */
  styleOf(direction: Direction, pictures: Float32Array): Float32Array {
    const network = this.params[direction === 'A2B' ? 'B2A' : 'A2B'];
    return tf.tidy(() => this.generator.styleEncode(network, this.upload(pictures)).dataSync<'float32'>());
  }

  /** Pictures in one go: every picture with its own style. */
  translate(direction: Direction, pictures: Float32Array, styles: Float32Array): Float32Array {
    const content = this.encode(direction, pictures);
    try {
      return this.decode(content, styles);
    } finally {
      content.codes.dispose();
    }
  }

  /** Frees the weights. */
  dispose(): void {
    for (const network of Object.values(this.params)) tf.dispose(Object.values(network));
  }

  private upload(pictures: Float32Array): Tensor {
    const { size } = this.architecture;
    return tf.tensor4d(pictures, [pictures.length / (size * size * 3), size, size, 3]);
  }
}
