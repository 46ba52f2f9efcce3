// The generator's layers as ONNX nodes.
import { toTorchTensor } from '../../checkpoint/torch-layout.js';
import type { ParameterSpec, ParameterSpecs, ParameterValues } from '../../model/parameters.js';
import { LEAKY_SLOPE } from '../../ops/activation.js';
import type { GraphBuilder, OnnxAttribute } from './graph.js';

/** As in model/modulated.ts. */
const DEMODULATION_EPSILON = 1e-8;
const TAPS = [1, 3, 3, 1];

type Attributes = Record<string, OnnxAttribute>;

/** `[before, after]` on both axes, px. */
const pads = ([before, after]: readonly [number, number]): OnnxAttribute => ({
  ints: [before, before, after, after],
});
const both = (value: number): OnnxAttribute => ({ ints: [value, value] });

export interface ConvOptions {
  /** Blur and halve the resolution. */
  down?: boolean;
  activate?: boolean;
}

export interface StyledOptions {
  /** Double the resolution. */
  up?: boolean;
  /** Constant factor on the demodulated output, sqrt(2) of the activation included. */
  gain: number;
}

/**
 * The layers of src/model as ONNX nodes, NCHW, over the stored weights of one generator. Channels are read from the
 * weights' shapes; as in src/model, the weights include every constant factor.
 */
export class OnnxLayers {
  readonly builder: GraphBuilder;
  private readonly specs: ParameterSpecs;
  private readonly values: ParameterValues;

  constructor(builder: GraphBuilder, specs: ParameterSpecs, values: ParameterValues) {
    this.builder = builder;
    this.specs = specs;
    this.values = values;
  }

  /** `ConvLayer`: `[n, in, h, w] -> [n, out, h, w]`, or half of h and w. */
  conv(path: string, x: string, { down = false, activate = true }: ConvOptions = {}): string {
    const index = down ? 1 : 0;
    const weight = `${path}.${index}.weight`;
    const { inChannels, size } = this.shapeOf(weight);
    const bias = `${path}.${activate ? index + 1 : index}.bias`;
    let from = x;
    const attributes: Attributes = {};
    if (!down) attributes.pads = pads([(size - 1) / 2, (size - 1) / 2]);
    else if (size === 1) from = this.blur(`${path}/down`, x, inChannels, { stride: 2, padding: [1, 1] });
    else {
      from = this.blur(`${path}/blur`, x, inChannels, { padding: [2, 2] });
      attributes.strides = both(2);
    }
    const inputs = [from, this.filter(weight)];
    if (bias in this.specs) inputs.push(this.vector(bias));
    const y = this.builder.node('Conv', `${path}/conv`, inputs, attributes);
    return activate ? this.leakyRelu(path, y) : y;
  }

  /** `ResBlock`: `[n, in, h, w] -> [n, out, h, w]`, or half of h and w. */
  residual(path: string, x: string, down = false): string {
    const main = this.conv(`${path}.conv2`, this.conv(`${path}.conv1`, x), { down });
    const hasSkip = `${path}.skip.${down ? 1 : 0}.weight` in this.specs;
    const skip = hasSkip
      ? this.conv(`${path}.skip`, x, { down, activate: false })
      : this.scaled(`${path}/skip`, x, Math.SQRT1_2);
    return this.builder.node('Add', `${path}/sum`, [main, skip]);
  }

  /** `EqualLinear`: `[n, in] -> [n, out]`. */
  linear(path: string, x: string, activate = false): string {
    const inputs = [x, this.filter(`${path}.weight`), this.vector(`${path}.bias`)];
    const y = this.builder.node('Gemm', `${path}/linear`, inputs, { transB: { int: 1 } });
    return activate ? this.leakyRelu(path, y) : y;
  }

  flatten(path: string, x: string): string {
    return this.builder.node('Flatten', `${path}/flatten`, [x], { axis: { int: 1 } });
  }

  /** `StyledConv`: features `[n, in, h, w]` and the mapped style `[n, styleDim]` to `[n, out, h, w]`, or twice h and w. */
  styled(path: string, x: string, mapped: string, { up = false, gain }: StyledOptions): string {
    const { builder } = this;
    const weight = `${path}.conv.weight`;
    const { outChannels, size } = this.shapeOf(weight);
    const style = this.linear(`${path}.conv.modulation`, mapped); // [n, in]
    const modulated = builder.node('Mul', `${path}/modulated`, [x, this.spread(`${path}/style`, style)]);
    const filter = this.filter(weight);
    let y: string;
    if (up) {
      const grown = builder.node('ConvTranspose', `${path}/conv`, [modulated, filter], { strides: both(2) });
      y = this.blur(`${path}/blur`, grown, outChannels, { padding: [1, 1], gain: 4 });
    } else {
      const padding = pads([(size - 1) / 2, (size - 1) / 2]);
      y = builder.node('Conv', `${path}/conv`, [modulated, filter], { pads: padding });
    }
    const demodulation = this.demodulation(path, style, filter, up, gain);
    const demodulated = builder.node('Mul', `${path}/demodulated`, [y, demodulation]);
    const bias = `${path}.activate.bias`;
    const column = builder.constant(bias, [outChannels, 1, 1], this.values[bias]!);
    return this.leakyRelu(path, builder.node('Add', `${path}/biased`, [demodulated, column]));
  }

  /** `StyledResBlock`: the same shape. */
  styledResidual(path: string, x: string, mapped: string): string {
    const first = this.styled(`${path}.conv1`, x, mapped, { gain: Math.SQRT2 });
    const second = this.styled(`${path}.conv2`, first, mapped, { gain: 1 });
    const beside = this.scaled(`${path}/skip`, x, Math.SQRT1_2);
    return this.builder.node('Add', `${path}/sum`, [second, beside]);
  }

  /** `ToRGB`: features to `[n, 3, h, w]`, added to the doubled image of the level below. */
  toRgb(path: string, x: string, mapped: string, skip?: string): string {
    const { builder } = this;
    const style = this.linear(`${path}.conv.modulation`, mapped);
    const modulated = builder.node('Mul', `${path}/modulated`, [x, this.spread(`${path}/style`, style)]);
    const inputs = [modulated, this.filter(`${path}.conv.weight`), this.vector(`${path}.bias`)];
    const rgb = builder.node('Conv', `${path}/conv`, inputs);
    if (skip === undefined) return rgb;
    const doubled = builder.node('ConvTranspose', `${path}/doubled`, [skip, this.blurFilter(3, 4)], {
      group: { int: 3 },
      strides: both(2),
      pads: pads([1, 1]),
    });
    return builder.node('Add', `${path}/sum`, [rgb, doubled]);
  }

  /** `gain / sqrt(sum over the modulated filter + epsilon)`: `[n, out, 1, 1]`. */
  private demodulation(path: string, style: string, filter: string, up: boolean, gain: number): string {
    const { builder } = this;
    const inverseSquare = 1 / (gain * gain);
    const squared = builder.node('Mul', `${path}/filter-squared`, [filter, filter]);
    const area = builder.constant('axes-of-area', [2], Int32Array.of(2, 3));
    // [out, in], or [in, out] for upsampling; depends only on the weights, so that runtimes compute it once.
    const power = builder.node('ReduceSum', `${path}/power`, [squared, area], { keepdims: { int: 0 } });
    const styles = builder.node('Mul', `${path}/style-squared`, [style, style]);
    const offset = Float32Array.of(inverseSquare * DEMODULATION_EPSILON);
    const epsilon = builder.constant(`${path}/epsilon`, [1], offset);
    const total = builder.node('Gemm', `${path}/total`, [styles, power, epsilon], {
      alpha: { float: inverseSquare },
      transB: { int: up ? 0 : 1 },
    });
    const root = builder.node('Sqrt', `${path}/root`, [total]);
    const inverse = builder.node('Reciprocal', `${path}/inverse`, [root]);
    return this.spread(`${path}/demodulation`, inverse);
  }

  /** `[n, c] -> [n, c, 1, 1]`. */
  private spread(name: string, x: string): string {
    const axes = this.builder.constant('axes-of-area', [2], Int32Array.of(2, 3));
    return this.builder.node('Unsqueeze', name, [x, axes]);
  }

  private leakyRelu(path: string, x: string): string {
    return this.builder.node('LeakyRelu', `${path}/activated`, [x], { alpha: { float: LEAKY_SLOPE } });
  }

  private scaled(name: string, x: string, factor: number): string {
    const constant = this.builder.constant(`factor-${factor}`, [1], Float32Array.of(factor));
    return this.builder.node('Mul', name, [x, constant]);
  }

  private blur(
    name: string,
    x: string,
    channels: number,
    { stride = 1, padding, gain = 1 }: { stride?: number; padding: readonly [number, number]; gain?: number },
  ): string {
    return this.builder.node('Conv', name, [x, this.blurFilter(channels, gain)], {
      group: { int: channels },
      pads: pads(padding),
      strides: both(stride),
    });
  }

  /** `[channels, 1, 4, 4]`, summing to `gain` per channel. */
  private blurFilter(channels: number, gain: number): string {
    const total = TAPS.reduce((a, b) => a + b) ** 2;
    const taps = TAPS.flatMap((a) => TAPS.map((b) => (a * b * gain) / total));
    const values = Float32Array.from({ length: 16 * channels }, (_, i) => taps[i % 16]!);
    return this.builder.constant(`blur-${channels}-${gain}`, [channels, 1, 4, 4], values);
  }

  private vector(path: string): string {
    const data = this.values[path]!;
    return this.builder.constant(path, [data.length], data);
  }

  /** A weight: `[out, in, k, k]`, `[in, out, k, k]` for upsampling, or `[out, in]`. */
  private filter(path: string): string {
    const { shape, data } = onnxWeight(this.spec(path), this.values[path]!);
    return this.builder.weight(path, shape, data);
  }

  /** The sizes of a convolution's weight in any layout. */
  private shapeOf(path: string): { outChannels: number; inChannels: number; size: number } {
    const { shape, torch } = this.spec(path);
    const [size, , third, fourth] = shape as [number, number, number, number];
    return torch.kind === 'modulated-transposed'
      ? { size, outChannels: third, inChannels: fourth }
      : { size, inChannels: third, outChannels: fourth };
  }

  private spec(path: string): ParameterSpec {
    const spec = this.specs[path];
    if (spec === undefined) throw new RangeError(`the generator has no '${path}'`);
    return spec;
  }
}

/** A stored weight in ONNX's layout: that of the reference's `state_dict`, but with the gain in it. */
function onnxWeight(spec: ParameterSpec, values: Float32Array): { shape: number[]; data: Float32Array } {
  const { shape, data } = toTorchTensor(spec, values, 0);
  if (spec.torch.kind === 'modulated') return { shape: shape.slice(1), data };
  if (spec.torch.kind !== 'modulated-transposed') return { shape, data };
  const [, outChannels, inChannels, height, width] = shape as [number, number, number, number, number];
  const area = height * width;
  const swapped = new Float32Array(data.length);
  for (let out = 0; out < outChannels; out++)
    for (let i = 0; i < inChannels; i++) {
      const from = (out * inChannels + i) * area;
      swapped.set(data.subarray(from, from + area), (i * outChannels + out) * area);
    }
  return { shape: [inChannels, outChannels, height, width], data: swapped };
}
