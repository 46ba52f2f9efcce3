// Records functions over tensors as ONNX graphs.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ParameterSpecs, ParameterValues, Params } from '../../model/parameters.js';
import { withKernels } from '../../runtime/kernels.js';
import { nodesOf, type Operation } from './expressions.js';
import type { OnnxGraph, OnnxValue, WeightPrecision } from './graph.js';
import { onnxKernels } from './onnx-kernels.js';
import { BATCH, Symbols, storedShape, usualOrder } from './symbols.js';

/** What a recorded function asks for and declares. Its tensors have shapes and no values. */
export interface OnnxRecording {
  /** @param shape of one image or row: `[h, w, c]` or `[features]`; the batch before it is free. */
  input(name: string, shape: readonly number[]): Tensor;
  /** The parameters of a network as constants that are called by their paths. */
  parameters(specs: ParameterSpecs, values: ParameterValues): Params;
  /** @param range clamps the values. */
  output(name: string, x: Tensor, range?: readonly [lowest: number, highest: number]): void;
}

/**
 * The graph of what `fn` does with its inputs, in operations of `src/ops`. Nothing is computed; the engine is needed for
 * constants that the operations themselves have. Images are NCHW in the graph, and inputs have a free batch, so `fn` must not
 * depend on its size.
 *
 * @throws RangeError naming a kernel that ONNX exports do not have.
 */
export function recordOnnx(
  fn: (recording: OnnxRecording) => void,
  precision: WeightPrecision,
): Pick<OnnxGraph, 'inputs' | 'outputs' | 'nodes' | 'initializers'> {
  const symbols = new Symbols();
  const inputs: OnnxValue[] = [];
  const outputs: OnnxValue[] = [];
  const results: Operation[] = [];
  const declared = (name: string, shape: readonly number[]): OnnxValue => {
    const sizes = storedShape(shape, usualOrder(shape.length));
    return { name, dtype: 'float32', shape: sizes.map((size) => (size === BATCH ? 'batch' : size)) };
  };
  const recording: OnnxRecording = {
    input(name, sizes) {
      const shape = [BATCH, ...sizes];
      inputs.push(declared(name, shape));
      return symbols.tensor(symbols.computed({ kind: 'input', name }, shape, usualOrder(shape.length)));
    },
    parameters(specs, values) {
      const entries = Object.entries(specs).map(([path, { shape }]) => {
        const isWeight = shape.length > 1;
        const owner = path.slice(0, path.lastIndexOf('.'));
        const numbers = { name: path, data: values[path]!, isWeight, owner };
        return [path, symbols.tensor(symbols.known(shape, numbers))];
      });
      return Object.fromEntries(entries) as Params;
    },
    output(name, x, range) {
      outputs.push(declared(name, x.shape));
      const value = symbols.stored(symbols.meaningOf(x), usualOrder(x.rank));
      const bounds = range?.map((bound) => symbols.number(bound)) ?? [];
      results.push(symbols.operation(range ? 'Clip' : 'Identity', [value, ...bounds], {}, name));
    },
  };
  withKernels(onnxKernels(symbols), () => fn(recording));
  return { inputs, outputs, ...nodesOf(inputs, results, precision) };
}
