// The parts of a model that become ONNX files, as functions of the generator.
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Architecture, channelsAt, contentSize } from '../../model/architecture.js';
import { buildGenerator, type Generator } from '../../model/generator.js';
import type { NetworkValues, Params } from '../../model/parameters.js';
import { type Direction, NETWORK_OF, reverseOf } from '../../translate/translator.js';
import type { OnnxModel, WeightPrecision } from './graph.js';
import { type OnnxRecording, recordOnnx } from './record.js';

/** The models of one direction, one file each. */
export const ONNX_PARTS = ['model', 'encoder_model', 'decoder_model', 'style_encoder'] as const;
export type OnnxPart = (typeof ONNX_PARTS)[number];

const DESCRIPTIONS: Readonly<Record<OnnxPart, string>> = {
  model: 'An image and a style code to the translated image.',
  encoder_model: 'An image to its content code.',
  decoder_model: 'A content code and a style code to the translated image.',
  style_encoder: 'An image of the target domain to its style code.',
};

/** A generator with its parameters, and the graph that its functions are recorded in. */
interface Part {
  recording: OnnxRecording;
  generator: Generator;
  params: Params;
  architecture: Architecture;
}

const image = ({ recording, architecture: { size } }: Part) => recording.input('image', [size, size, 3]);
const style = ({ recording, architecture }: Part) => recording.input('style', [architecture.latentDim]);

function contentOf({ generator, params }: Part, images: Tensor): Tensor {
  return generator.contentHead(params, generator.stem(params, images));
}

function decode({ recording, generator, params }: Part, content: Tensor, styles: Tensor): void {
  recording.output('translated', generator.decode(params, content, styles), [-1, 1]);
}

/** Declares inputs in the order of the file, and records what the part does. */
const PARTS: Readonly<Record<OnnxPart, (part: Part) => void>> = {
  model(part) {
    const images = image(part);
    const styles = style(part);
    decode(part, contentOf(part, images), styles);
  },
  encoder_model: (part) => part.recording.output('content', contentOf(part, image(part))),
  decoder_model(part) {
    const { recording, architecture } = part;
    const side = contentSize(architecture);
    const content = recording.input('content', [side, side, channelsAt(architecture, side)]);
    decode(part, content, style(part));
  },
  style_encoder(part) {
    const { recording, generator, params } = part;
    recording.output('style', generator.styleHead(params, generator.stem(params, image(part))));
  },
};

export interface OnnxOptions {
  direction: Direction;
  precision: WeightPrecision;
  producerVersion: string;
}

/**
 * One part of a model as ONNX: NCHW, images `[batch, 3, size, size]` in [-1, 1] (results are clamped to that), any batch. The
 * generator's own functions write the graph. The engine has to be loaded.
 *
 * @param values stored weights of `G_A2B` and `G_B2A`.
 * @throws RangeError if the generator uses a kernel that ONNX exports do not have.
 */
export function buildOnnxModel(
  architecture: Architecture,
  values: NetworkValues,
  part: OnnxPart,
  { direction, precision, producerVersion }: OnnxOptions,
): OnnxModel {
  // The encoder of the reverse direction knows styles of the target domain.
  const network = NETWORK_OF[part === 'style_encoder' ? reverseOf(direction) : direction];
  const generator = buildGenerator(architecture);
  const graph = recordOnnx((recording) => {
    const params = recording.parameters(generator.specs, values[network]!);
    PARTS[part]({ recording, generator, params, architecture });
  }, precision);
  return {
    producerVersion,
    metadata: {
      'gnr.part': part,
      'gnr.direction': direction,
      'gnr.size': String(architecture.size),
      'gnr.latentDim': String(architecture.latentDim),
      'gnr.weights': precision,
      'gnr.architecture': JSON.stringify(architecture),
    },
    graph: { name: `gnr_${part}`, description: DESCRIPTIONS[part], ...graph },
  };
}
