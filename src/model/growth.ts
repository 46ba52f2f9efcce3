// Growing: networks for images of twice the size, whose weights make of them what the old networks made of the old size.
// The new layers begin as the old image upsampled (decoder) and the new image downsampled (encoder, discriminators). The layers
// of the old sizes keep their shapes, because channels follow from the resolution and the content code keeps its size.

import { InputError } from '../base/errors.js';
import { MIN_GROWN_CHANNELS } from '../config/growth.js';
import { LEAKY_SLOPE } from '../ops/activation.js';
import { type Architecture, channelsAt } from './architecture.js';
import type { NetworkValues, ParameterSpecs, ParameterValues } from './parameters.js';
import { sizeOf } from './parameters.js';

const RGB = 3;
/** Side of the filters of a residual block, px. */
const FILTER = 3;
/**
 * Taps of the new downsampling, beside StyleGAN2's blur [1, 3, 3, 1], which a residual block always has: together
 * [-0.5, 0.5, 4, 4, 0.5, -0.5] / 8, close to Lanczos, by which training images are made smaller. The blur alone would show
 * the old layers softer images than they know.
 */
const SHARPENING = 0.5;
const SHARPENING_TAPS = [-SHARPENING, 1 + 2 * SHARPENING, -SHARPENING];

/** Chains of layers from an image to features: number 0 takes RGB, and each growth puts a residual block behind it. */
const CHAINS = ['encoder.stem', 'l_branch', 'g_branch'] as const;
const IN_CHAIN = new RegExp(`^(${CHAINS.join('|').replaceAll('.', '\\.')})\\.(\\d+)\\.(.+)$`);

/** Keys of the model section that both sizes share. */
const SHARED_KEYS = [
  'variant',
  'latentDim',
  'styleDim',
  'mappingLayers',
  'residualBlocks',
  'latentDiscriminatorWidth',
  'discriminatorLocalSize',
  'discriminatorGlobalSize',
] as const satisfies readonly (keyof Architecture)[];

/**
 * Checks that networks of one architecture can grow into those of another.
 *
 * @param init where the first come from, for messages.
 * @throws InputError that names the key: the size is not twice as large, the content code has another size, or layers of the
 *   old sizes have other shapes.
 */
export function checkGrows(from: Architecture, to: Architecture, init: string): void {
  const reject = (key: string, expected: string | number, found: unknown, remedy: string): never => {
    throw new InputError({ expected: `${key} to be ${expected}`, found: String(found), remedy });
  };
  if (to.size !== 2 * from.size)
    reject(
      'model.size',
      `${from.size}, as in ${init}, or ${2 * from.size}, to grow it`,
      to.size,
      `set model.size=${from.size} or model.size=${2 * from.size}; a run grows to twice its size at a time`,
    );
  if (to.numDown !== from.numDown + 1)
    reject(
      'model.numDown',
      `${from.numDown + 1}, one more than in ${init}, so that the content code keeps its size`,
      to.numDown,
      `set model.numDown=${from.numDown + 1}, or leave it out`,
    );
  for (const key of SHARED_KEYS) {
    if (from[key] === to[key]) continue;
    const remedy = `set model.${key}=${from[key]}: networks that grow keep their layers`;
    reject(`model.${key}`, `${from[key]}, as in ${init}`, to[key], remedy);
  }
  for (let px = 4; px <= from.size; px *= 2) {
    const [there, here] = [channelsAt(from, px), channelsAt(to, px)];
    if (there !== here)
      reject(
        `model.channels.${px} over model.channelDivisor`,
        `${there}, as in ${init}`,
        here,
        'give model.channels and model.channelDivisor the values of that model up to its size',
      );
  }
  const wide = channelsAt(to, to.size);
  if (wide < MIN_GROWN_CHANNELS)
    reject(
      `model.channels.${to.size} over model.channelDivisor`,
      `at least ${MIN_GROWN_CHANNELS}, which networks that grow need at the new size`,
      wide,
      `set model.channels.${to.size}=${Math.ceil(MIN_GROWN_CHANNELS * to.channelDivisor)}`,
    );
}

/** The path of an old parameter in the grown network; undefined for the layer from RGB, which the new one replaces. */
export function grownPath(path: string): string | undefined {
  const [, chain, index, rest] = IN_CHAIN.exec(path) ?? [];
  if (chain === undefined) return path;
  return index === '0' ? undefined : `${chain}.${Number(index) + 1}.${rest}`;
}

/** The values of `old` under their paths in the grown networks, over those of `base`. */
function carriedOver(old: NetworkValues, base: NetworkValues): NetworkValues {
  return Object.fromEntries(
    Object.entries(old).map(([network, tree]) => {
      const grown: ParameterValues = { ...base[network] };
      for (const [path, data] of Object.entries(tree)) {
        const target = grownPath(path);
        if (target === undefined) continue;
        if (grown[target]?.length !== data.length)
          throw new RangeError(`${network}/${path} has ${data.length} values, which do not fit ${target}`);
        grown[target] = data;
      }
      return [network, grown];
    }),
  );
}

/**
 * Weights of the networks for twice the size. Translations start as the old ones of the image made smaller by a sharpened
 * [1, 3, 3, 1], upsampled by [1, 3, 3, 1], which is bilinear; logits start as the old ones of the smaller image.
 *
 * @param old weights of some or all networks.
 * @param fresh initial weights of the grown ones, for what has no old counterpart: the new layers of the decoder, and
 *   channels of the others that nothing uses at first.
 * @param from the architecture of `old`, which `checkGrows` has accepted.
 */
export function growNetworks(old: NetworkValues, fresh: NetworkValues, from: Architecture): NetworkValues {
  const grown = carriedOver(old, fresh);
  for (const [network, values] of Object.entries(grown)) {
    for (const chain of CHAINS) {
      const rgb = old[network]![`${chain}.0.0.weight`];
      if (rgb === undefined) continue;
      startAsDownsampling(values, chain, { weight: rgb, bias: old[network]![`${chain}.0.1.bias`]! });
    }
    // The decoder adds to the upsampled image of the level below what its new level makes: nothing at first.
    const toRgb = `to_rgbs.${from.numDown}.conv.weight`;
    if (values[toRgb] !== undefined) values[toRgb] = new Float32Array(values[toRgb].length);
  }
  return grown;
}

/** Adam's moments of the grown networks: those of the old parameters, and zeros for new ones. */
export function growMoments(
  old: NetworkValues,
  specs: Readonly<Record<string, ParameterSpecs>>,
): NetworkValues {
  const zeros = Object.entries(specs).map(([network, tree]) => [
    network,
    Object.fromEntries(
      Object.entries(tree).map(([path, { shape }]) => [path, new Float32Array(sizeOf(shape))]),
    ),
  ]);
  return carriedOver(old, Object.fromEntries(zeros));
}

/**
 * Makes the first two layers of a chain, the one from RGB and a residual block, compute what the old layer from RGB computed of
 * the smaller image. The first six channels carry the colours `x` and `-x`: `leakyRelu(x) - leakyRelu(-x)` is `x` times
 * (1 + slope), so nothing is lost. The block's second convolution makes the image smaller and does the old layer's work. Other
 * channels stay random, but it does not see them yet, and the block's skip is zero: both learn from the first step on.
 */
function startAsDownsampling(
  values: ParameterValues,
  chain: string,
  rgb: { weight: Float32Array; bias: Float32Array },
): void {
  const change = (path: string, fill: (data: Float32Array) => void): void => {
    const data = values[`${chain}.${path}`]!.slice();
    fill(data);
    values[`${chain}.${path}`] = data;
  };
  const width = values[`${chain}.0.1.bias`]!.length;
  const outWidth = rgb.bias.length;
  const recovered = 1 / (1 + LEAKY_SLOPE);
  const carried = Array.from({ length: 2 * RGB }, (_, i) => ({ colour: i % RGB, sign: i < RGB ? 1 : -1 }));
  change('0.0.weight', (data) => {
    for (let input = 0; input < RGB; input++)
      for (const [i, { colour, sign }] of carried.entries())
        data[input * width + i] = input === colour ? sign : 0; // [1, 1, 3, width]
  });
  change('0.1.bias', (data) => data.fill(0, 0, 2 * RGB));
  const centre = (FILTER * FILTER - 1) / 2;
  change('1.conv1.0.weight', (data) => {
    for (let tap = 0; tap < FILTER * FILTER; tap++)
      for (let input = 0; input < width; input++)
        for (const [i, { colour, sign }] of carried.entries()) {
          const from = tap === centre ? carried[input] : undefined;
          const weight = from?.colour === colour ? from.sign * sign * recovered : 0;
          data[(tap * width + input) * width + i] = weight; // [3, 3, width, width]
        }
  });
  change('1.conv1.1.bias', (data) => data.fill(0, 0, 2 * RGB));
  change('1.conv2.1.weight', (data) => {
    data.fill(0);
    for (let tap = 0; tap < FILTER * FILTER; tap++) {
      const share = SHARPENING_TAPS[Math.floor(tap / FILTER)]! * SHARPENING_TAPS[tap % FILTER]!;
      for (const [i, { colour, sign }] of carried.entries())
        for (let out = 0; out < outWidth; out++)
          data[(tap * width + i) * outWidth + out] =
            share * sign * recovered * rgb.weight[colour * outWidth + out]!; // [3, 3, width, outWidth]
    }
  });
  change('1.conv2.2.bias', (data) => data.set(rgb.bias));
  change('1.skip.1.weight', (data) => data.fill(0));
}
