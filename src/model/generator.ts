// The generator of one direction (GANs N' Roses, section 3; the reference's model.py, `Generator`): an encoder that takes an
// image apart into content and style code, and a StyleGAN2 decoder that makes an image of any content and any style.

import type { Tensor } from '@tensorflow/tfjs-core';
import { variants } from '../config/variants/registry.js';
import { type Architecture, channelsAt, contentSize, halvings } from './architecture.js';
import { type CheckpointPolicy, keepActivations } from './checkpointing.js';
import {
  convLayer,
  flatten,
  type Layer,
  linearLayer,
  mergeSpecs,
  residualBlock,
  sequence,
} from './layers.js';
import { type StyledLayer, styledConv, styledResidualBlock, toRgb } from './modulated.js';
import type { ParameterSpecs, Params } from './parameters.js';

/** The codes of an image. */
export interface Code {
  /** Content code, where things are: `[n, c, c, channels]`, c the content size. */
  content: Tensor;
  /** Style code, how they look: `[n, latentDim]`. */
  style: Tensor;
}

/** One direction of GNR: images to codes, and a content code with any style code to an image. */
export interface Generator {
  specs: ParameterSpecs;
  /**
   * Adds to the parameters what follows from them alone (the power of every modulated filter, which demodulation needs), so
   * that several passes share it. All functions take either form; from plain parameters they compute it themselves.
   */
  derive(params: Params): Params;
  /** The part that content and style heads share: `[n, size, size, 3]` in [-1, 1] to `[n, c, c, channels]`. */
  stem(params: Params, images: Tensor): Tensor;
  /** The stem's features to the content code, same shape. */
  contentHead(params: Params, features: Tensor): Tensor;
  /** The stem's features to the style code `[n, latentDim]`. */
  styleHead(params: Params, features: Tensor): Tensor;
  /** `[n, size, size, 3]` in [-1, 1] to both codes. */
  encode(params: Params, images: Tensor): Code;
  /** The style code alone. */
  styleEncode(params: Params, images: Tensor): Tensor;
  /** The mapping network: style code `[n, latentDim]` to mapped style `[n, styleDim]`. */
  map(params: Params, style: Tensor): Tensor;
  /** Content code and style code to images `[n, size, size, 3]`, about [-1, 1], not clamped. */
  decode(params: Params, content: Tensor, style: Tensor): Tensor;
}

/** The encoder: a stem of residual blocks, and one head for each code. */
function buildEncoder(architecture: Architecture, policy: CheckpointPolicy) {
  const { size, numDown, residualBlocks, variant, latentDim } = architecture;
  const bottom = contentSize(architecture);
  let channels = channelsAt(architecture, size);
  const stem: Layer[] = [convLayer('encoder.stem.0', { inChannels: 3, outChannels: channels, size: 1 })];
  for (const px of halvings(size, bottom)) {
    const next = channelsAt(architecture, px);
    stem.push(policy.layer(residualBlock(`encoder.stem.${stem.length}`, channels, next, true)));
    channels = next;
  }
  for (let i = 0; i < residualBlocks; i++)
    stem.push(policy.layer(residualBlock(`encoder.stem.${numDown + 1 + i}`, channels, channels, false)));

  const { contentFilter } = variants[variant];
  const content = [0, 1].map((i) =>
    convLayer(`encoder.content.${i}`, { inChannels: channels, outChannels: channels, size: contentFilter }),
  );

  const style: Layer[] = [];
  let styleChannels = channels;
  for (const px of halvings(bottom, 4)) {
    const next = channelsAt(architecture, px);
    style.push(
      convLayer(`encoder.style.${style.length}`, {
        inChannels: styleChannels,
        outChannels: next,
        size: 3,
        down: true,
      }),
    );
    styleChannels = next;
  }
  const width = channelsAt(architecture, 4);
  const linearIndex = style.length + 1; // the reference counts its Flatten
  style.push(
    flatten(),
    linearLayer(`encoder.style.${linearIndex}`, {
      inFeatures: styleChannels * 16,
      outFeatures: width,
      activate: true,
      torch: { kind: 'linear-after-flatten', px: 4, channels: styleChannels },
    }),
    linearLayer(`encoder.style.${linearIndex + 1}`, { inFeatures: width, outFeatures: latentDim }),
  );
  return { stem: sequence(stem), content: sequence(content), style: sequence(style), channels };
}

/** One level of the decoder: doubles the features and the image so far, with the mapped style. */
function decoderLevel(
  index: number,
  channels: { in: number; out: number },
  styleDim: number,
  policy: CheckpointPolicy,
) {
  const shape = { outChannels: channels.out, size: 3, styleDim };
  const grow = styledConv(`convs.${2 * index}`, { ...shape, inChannels: channels.in, up: true });
  const refine = styledConv(`convs.${2 * index + 1}`, { ...shape, inChannels: channels.out });
  const rgb = toRgb(`to_rgbs.${index}`, channels.out, styleDim);
  const specs = mergeSpecs([grow, refine, rgb]);
  const paths = [...Object.keys(specs), ...grow.derivedPaths, ...refine.derivedPaths];
  const apply = policy.block(paths, (params, [features, rgbSoFar, mapped]) => {
    const x = refine.apply(params, grow.apply(params, features!, mapped!), mapped!); // [n, px, px, out]
    return [x, rgb.apply(params, x, mapped!, rgbSoFar!)]; // [n, px, px, 3]
  });
  return { specs, styled: [grow, refine], apply };
}

/** The decoder: styled residual blocks at the content code's resolution, then one level for each doubling. */
function buildDecoder(architecture: Architecture, bottomChannels: number, policy: CheckpointPolicy) {
  const { size, styleDim, residualBlocks } = architecture;
  const bottom = contentSize(architecture);
  const bottleneck = Array.from({ length: residualBlocks }, (_, i) =>
    policy.styledLayer(styledResidualBlock(`adain_bottleneck.${i}`, bottomChannels, styleDim)),
  );
  const conv1 = styledConv('conv1', {
    inChannels: bottomChannels,
    outChannels: bottomChannels,
    size: 3,
    styleDim,
  });
  const rgb1 = toRgb('to_rgb1', bottomChannels, styleDim);
  let channels = bottomChannels;
  const levels = halvings(2 * size, 2 * bottom)
    .reverse()
    .map((px, i) => {
      const next = channelsAt(architecture, px);
      const level = decoderLevel(i, { in: channels, out: next }, styleDim, policy);
      channels = next;
      return level;
    });
  const specs = mergeSpecs([...bottleneck, conv1, rgb1, ...levels]);
  const synthesize = (params: Params, content: Tensor, mapped: Tensor): Tensor => {
    let x = content;
    for (const block of bottleneck) x = block.apply(params, x, mapped);
    x = conv1.apply(params, x, mapped); // [n, c, c, channels]
    let image = rgb1.apply(params, x, mapped); // [n, c, c, 3]
    for (const level of levels) [x, image] = level.apply(params, [x, image, mapped]) as [Tensor, Tensor];
    return image;
  };
  const styled: StyledLayer[] = [...bottleneck, conv1, ...levels.flatMap((level) => level.styled)];
  const derive = (params: Params): Params =>
    Object.assign({}, ...styled.map((layer) => layer.derive(params))) as Params;
  const derivedPaths = styled.flatMap((layer) => layer.derivedPaths);
  return { specs, derivedPaths, derive, synthesize };
}

/** The mapping network, from style code to mapped style. */
function buildMapping({ mappingLayers, latentDim, styleDim, mappingRate }: Architecture): Layer {
  return sequence(
    Array.from({ length: mappingLayers }, (_, i) =>
      linearLayer(`mapping.${i}`, {
        inFeatures: i === 0 ? latentDim : styleDim,
        outFeatures: styleDim,
        activate: true,
        lrMultiplier: mappingRate,
      }),
    ),
  );
}

/**
 * Builds a generator for an architecture. Its functions are pure: every call passes the parameters.
 *
 * @param policy decides what the blocks keep for their gradients.
 */
export function buildGenerator(
  architecture: Architecture,
  policy: CheckpointPolicy = keepActivations,
): Generator {
  const encoder = buildEncoder(architecture, policy);
  const mapping = buildMapping(architecture);
  const decoder = buildDecoder(architecture, encoder.channels, policy);
  const pass = (layer: Layer): Layer['apply'] => {
    const block = policy.pass(Object.keys(layer.specs), (params, [x]) => [layer.apply(params, x!)]);
    return (params, x) => block(params, [x])[0]!;
  };
  const stem = pass(encoder.stem);
  const contentHead = pass(encoder.content);
  const styleHead = pass(encoder.style);
  const decodePaths = [mapping, decoder].flatMap(({ specs }) => Object.keys(specs));
  const decode = policy.pass([...decodePaths, ...decoder.derivedPaths], (params, [content, style]) => [
    decoder.synthesize(params, content!, mapping.apply(params, style!)),
  ]);
  return {
    specs: mergeSpecs([mapping, encoder.stem, encoder.content, encoder.style, decoder]),
    derive: (params) => ({ ...params, ...decoder.derive(params) }),
    stem,
    contentHead,
    styleHead,
    encode(params, images) {
      const features = stem(params, images);
      return { content: contentHead(params, features), style: styleHead(params, features) };
    },
    styleEncode: (params, images) => styleHead(params, stem(params, images)),
    map: mapping.apply,
    decode: (params, content, style) => decode(params, [content, style])[0]!,
  };
}
