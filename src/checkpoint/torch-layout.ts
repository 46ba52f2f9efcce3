// Converts tensors between PyTorch's layout and this project's.
import { messageOf } from '../base/errors.js';
import {
  type ParameterSpec,
  type ParameterSpecs,
  type ParameterValues,
  sizeOf,
  type TorchLayout,
} from '../model/parameters.js';

/** A tensor in the layout of the reference's `state_dict`. */
export interface TorchTensor {
  shape: number[];
  data: Float32Array;
}

/** Moves axes: `out[..., x[order[k]], ...]`, as NumPy's transpose. */
export function transpose(
  data: Float32Array,
  shape: readonly number[],
  order: readonly number[],
): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const outShape = order.map((axis) => shape[axis]!);
  const outStrides = order.map((axis) => strides[axis]!);
  const out = new Float32Array(data.length);
  const index = new Array<number>(outShape.length).fill(0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from]!;
    for (let axis = outShape.length - 1; axis >= 0; axis--) {
      from += outStrides[axis]!;
      if (++index[axis]! < outShape[axis]!) break;
      from -= outStrides[axis]! * outShape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

interface Conversion {
  /** Shape in the `state_dict`. */
  torchShape: number[];
  /** The shape as which the `state_dict` tensor is viewed. */
  viewShape: number[];
  /** The order of axes that turns that view into this project's layout. */
  order: number[];
}

function conversion(shape: readonly number[], layout: TorchLayout): Conversion {
  switch (layout.kind) {
    case 'vector':
      return { torchShape: [...shape], viewShape: [...shape], order: [0] };
    case 'channel-vector':
      return { torchShape: [1, shape[0]!, 1, 1], viewShape: [...shape], order: [0] };
    case 'linear':
      return { torchShape: [shape[1]!, shape[0]!], viewShape: [shape[1]!, shape[0]!], order: [1, 0] };
    case 'linear-after-flatten': {
      const { px, channels } = layout;
      return {
        torchShape: [shape[1]!, shape[0]!],
        viewShape: [shape[1]!, channels, px, px],
        order: [2, 3, 1, 0],
      };
    }
    default: {
      const [height, width, third, fourth] = shape as [number, number, number, number];
      const transposed = layout.kind === 'modulated-transposed';
      const [inChannels, outChannels] = transposed ? [fourth, third] : [third, fourth];
      const view = [outChannels, inChannels, height, width];
      return {
        torchShape: layout.kind === 'convolution' ? view : [1, ...view],
        viewShape: view,
        order: transposed ? [2, 3, 0, 1] : [2, 3, 1, 0],
      };
    }
  }
}

/** `data * factor`, each element rounded once. */
function scaled(data: Float32Array, factor: number): Float32Array {
  return factor === 1 ? data : data.map((value) => value * factor);
}

/**
 * Converts a tensor of the `state_dict` to this project's layout.
 *
 * @param gainPower the power of the gain that scales the result: 1 for values, -1 for gradients and their means, -2 for
 *   means of their squares, 0 for no change.
 * @throws RangeError for another shape.
 */
export function fromTorchTensor(
  { shape, torch, gain }: ParameterSpec,
  tensor: TorchTensor,
  gainPower: number,
): Float32Array {
  const { torchShape, viewShape, order } = conversion(shape, torch);
  if (tensor.shape.join() !== torchShape.join())
    throw new RangeError(`[${tensor.shape}], expected [${torchShape}]`);
  return scaled(transpose(tensor.data, viewShape, order), gain ** gainPower);
}

/**
 * The reverse of `fromTorchTensor`, to the nearest float32. Converting back and forth gives the same bits if any float32
 * there would; it may miss by one rounding where floats there lie further apart than here.
 */
export function toTorchTensor(
  { shape, torch, gain }: ParameterSpec,
  data: Float32Array,
  gainPower: number,
): TorchTensor {
  const { torchShape, viewShape, order } = conversion(shape, torch);
  const ourShape = order.map((axis) => viewShape[axis]!);
  const inverse = viewShape.map((_, axis) => order.indexOf(axis));
  const factor = gain ** gainPower;
  const moved = transpose(data, ourShape, inverse);
  return { shape: torchShape, data: factor === 1 ? moved : moved.map((value) => value / factor) };
}

/** The shape of a parameter in the `state_dict`. */
export function torchShapeOf({ shape, torch }: ParameterSpec): number[] {
  return conversion(shape, torch).torchShape;
}

/**
 * One network's parameters from the `state_dict`'s layout, multiplied by their gains.
 *
 * @param withGain `false` for tensors in the layout of the parameters that are not their values (gradients).
 * @throws RangeError for a missing or misshapen tensor.
 */
export function fromTorchLayout(
  specs: ParameterSpecs,
  read: (path: string) => TorchTensor | undefined,
  { withGain = true } = {},
): ParameterValues {
  const values: ParameterValues = {};
  for (const [path, spec] of Object.entries(specs)) {
    const tensor = read(path);
    if (tensor === undefined) throw new RangeError(`'${path}' is missing, expected [${torchShapeOf(spec)}]`);
    try {
      values[path] = fromTorchTensor(spec, tensor, withGain ? 1 : 0);
    } catch (error) {
      throw new RangeError(`'${path}' is ${messageOf(error)}`, { cause: error });
    }
  }
  return values;
}

/** The reverse of `fromTorchLayout`. */
export function toTorchLayout(specs: ParameterSpecs, values: ParameterValues): Record<string, TorchTensor> {
  return Object.fromEntries(
    Object.entries(specs).map(([path, spec]) => [path, toTorchTensor(spec, values[path]!, 1)]),
  );
}
