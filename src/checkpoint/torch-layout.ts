import { type ParameterSpecs, type ParameterValues, sizeOf, type TorchLayout } from '../model/parameters.js';

/** A tensor as the reference's `state_dict` holds it. */
export interface TorchTensor {
  shape: number[];
  data: Float32Array;
}

/** Moves axes: `out[..., x[order[k]], ...]`, as NumPy's transpose. */
function transpose(data: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
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
  /** The `state_dict` tensor, seen as this shape ... */
  viewShape: number[];
  /** ... becomes ours by this order of axes. */
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

function scaled(data: Float32Array, factor: number): Float32Array {
  return factor === 1 ? data : data.map((value) => value * factor);
}

/**
 * One network's parameters out of the `state_dict`'s layout, larger by their gains.
 *
 * @param withGain `false` for what is in the layout of the parameters but is not their values (gradients).
 * @throws RangeError for a missing or misshapen tensor.
 */
export function fromTorchLayout(
  specs: ParameterSpecs,
  read: (path: string) => TorchTensor | undefined,
  { withGain = true } = {},
): ParameterValues {
  const values: ParameterValues = {};
  for (const [path, { shape, torch, gain }] of Object.entries(specs)) {
    const tensor = read(path);
    const { torchShape, viewShape, order } = conversion(shape, torch);
    if (tensor === undefined || tensor.shape.join() !== torchShape.join())
      throw new RangeError(
        `'${path}' is ${tensor ? `[${tensor.shape}]` : 'missing'}, expected [${torchShape}]`,
      );
    values[path] = scaled(transpose(tensor.data, viewShape, order), withGain ? gain : 1);
  }
  return values;
}

/** The reverse of `fromTorchLayout`. */
export function toTorchLayout(specs: ParameterSpecs, values: ParameterValues): Record<string, TorchTensor> {
  const tensors: Record<string, TorchTensor> = {};
  for (const [path, { shape, torch, gain }] of Object.entries(specs)) {
    const { torchShape, viewShape, order } = conversion(shape, torch);
    const ourShape = order.map((axis) => viewShape[axis]!);
    const inverse = viewShape.map((_, axis) => order.indexOf(axis));
    tensors[path] = {
      shape: torchShape,
      data: scaled(transpose(values[path]!, ourShape, inverse), 1 / gain),
    };
  }
  return tensors;
}
