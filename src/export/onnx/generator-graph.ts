// The generator as ONNX graphs.
import { type Architecture, channelsAt, contentSize, halvings } from '../../model/architecture.js';
import { buildGenerator } from '../../model/generator.js';
import type { NetworkValues } from '../../model/parameters.js';
import { type Direction, NETWORK_OF, reverseOf } from '../../translate/translator.js';
import { GraphBuilder, type OnnxModel, type OnnxValue, type WeightPrecision } from './graph.js';
import { OnnxLayers } from './layers.js';

/** The models of one direction, one file each. */
export const ONNX_PARTS = ['model', 'encoder_model', 'decoder_model', 'style_encoder'] as const;
export type OnnxPart = (typeof ONNX_PARTS)[number];

/** A generator's passes as nodes; mirrors model/generator.ts. */
class GeneratorNodes {
  private readonly layers: OnnxLayers;
  private readonly architecture: Architecture;

  constructor(layers: OnnxLayers, architecture: Architecture) {
    this.layers = layers;
    this.architecture = architecture;
  }

  /** `[n, 3, size, size] -> [n, channels, c, c]`. */
  stem(image: string): string {
    const { size, numDown, residualBlocks } = this.architecture;
    let x = this.layers.conv('encoder.stem.0', image);
    for (let i = 1; i <= halvings(size, contentSize(this.architecture)).length; i++)
      x = this.layers.residual(`encoder.stem.${i}`, x, true);
    for (let i = 0; i < residualBlocks; i++) x = this.layers.residual(`encoder.stem.${numDown + 1 + i}`, x);
    return x;
  }

  content(features: string): string {
    return this.layers.conv('encoder.content.1', this.layers.conv('encoder.content.0', features));
  }

  /** `[n, channels, c, c] -> [n, latentDim]`. */
  style(features: string): string {
    const steps = halvings(contentSize(this.architecture), 4).length;
    let x = features;
    for (let i = 0; i < steps; i++) x = this.layers.conv(`encoder.style.${i}`, x, { down: true });
    const flat = this.layers.flatten(`encoder.style.${steps}`, x);
    const hidden = this.layers.linear(`encoder.style.${steps + 1}`, flat, true);
    return this.layers.linear(`encoder.style.${steps + 2}`, hidden);
  }

  /** `[n, channels, c, c]` and `[n, latentDim]` to `[n, 3, size, size]`. */
  decode(content: string, style: string): string {
    const { mappingLayers, residualBlocks, numDown } = this.architecture;
    let mapped = style;
    for (let i = 0; i < mappingLayers; i++) mapped = this.layers.linear(`mapping.${i}`, mapped, true);
    let x = content;
    for (let i = 0; i < residualBlocks; i++)
      x = this.layers.styledResidual(`adain_bottleneck.${i}`, x, mapped);
    const gain = Math.SQRT2;
    x = this.layers.styled('conv1', x, mapped, { gain });
    let image = this.layers.toRgb('to_rgb1', x, mapped);
    for (let i = 0; i < numDown; i++) {
      x = this.layers.styled(`convs.${2 * i}`, x, mapped, { gain, up: true });
      x = this.layers.styled(`convs.${2 * i + 1}`, x, mapped, { gain });
      image = this.layers.toRgb(`to_rgbs.${i}`, x, mapped, image);
    }
    return image;
  }
}

const DESCRIPTIONS: Readonly<Record<OnnxPart, string>> = {
  model: 'An image and a style code to the translated image.',
  encoder_model: 'An image to its content code.',
  decoder_model: 'A content code and a style code to the translated image.',
  style_encoder: 'An image of the target domain to its style code.',
};

export interface OnnxOptions {
  direction: Direction;
  precision: WeightPrecision;
  producerVersion: string;
}

/**
 * One part of a model as ONNX: NCHW, images `[batch, 3, size, size]` in [-1, 1] (results are clamped to that), any batch.
 * Modulation scales the input of an ordinary convolution and demodulation its output, as in model/modulated.ts.
 *
 * @param values stored weights of `G_A2B` and `G_B2A`.
 */
export function buildOnnxModel(
  architecture: Architecture,
  values: NetworkValues,
  part: OnnxPart,
  { direction, precision, producerVersion }: OnnxOptions,
): OnnxModel {
  const builder = new GraphBuilder(precision);
  // The encoder of the reverse direction knows styles of the target domain.
  const network = NETWORK_OF[part === 'style_encoder' ? reverseOf(direction) : direction];
  const { specs } = buildGenerator(architecture);
  const nodes = new GeneratorNodes(new OnnxLayers(builder, specs, values[network]!), architecture);
  const { size, latentDim } = architecture;
  const side = contentSize(architecture);
  const value = (name: string, ...shape: number[]): OnnxValue => ({
    name,
    dtype: 'float32',
    shape: ['batch', ...shape],
  });
  const image = value('image', 3, size, size);
  const style = value('style', latentDim);
  const content = value('content', channelsAt(architecture, side), side, side);
  const translated = value('translated', 3, size, size);
  const bound = (name: string, limit: number) => builder.constant(name, [], Float32Array.of(limit));
  const clamp = (unclamped: string) =>
    builder.node('Clip', translated.name, [unclamped, bound('lowest', -1), bound('highest', 1)]);
  const named = (output: OnnxValue, from: string) => builder.node('Identity', output.name, [from]);
  const make: Record<OnnxPart, () => { inputs: OnnxValue[]; outputs: OnnxValue[] }> = {
    model: () => {
      clamp(nodes.decode(nodes.content(nodes.stem(image.name)), style.name));
      return { inputs: [image, style], outputs: [translated] };
    },
    encoder_model: () => {
      named(content, nodes.content(nodes.stem(image.name)));
      return { inputs: [image], outputs: [content] };
    },
    decoder_model: () => {
      clamp(nodes.decode(content.name, style.name));
      return { inputs: [content, style], outputs: [translated] };
    },
    style_encoder: () => {
      named(style, nodes.style(nodes.stem(image.name)));
      return { inputs: [image], outputs: [style] };
    },
  };
  const { inputs, outputs } = make[part]();
  return {
    producerVersion,
    metadata: {
      'gnr.part': part,
      'gnr.direction': direction,
      'gnr.size': String(size),
      'gnr.latentDim': String(latentDim),
      'gnr.weights': precision,
      'gnr.architecture': JSON.stringify(architecture),
    },
    graph: {
      name: `gnr_${part}`,
      description: DESCRIPTIONS[part],
      inputs,
      outputs,
      nodes: builder.nodes,
      initializers: builder.initializers,
    },
  };
}
