// Names of the inputs and outputs of TensorFlow's operations, with which kernels declare host memory.

/** A name with a star stands for all inputs or outputs that have no other name. */
interface OpArguments {
  inputs: readonly string[];
  outputs: readonly string[];
}

const args = (inputs: string, outputs: string): OpArguments => ({
  inputs: inputs.split(' ').filter(Boolean),
  outputs: outputs.split(' ').filter(Boolean),
});

/** The names in TensorFlow's operation definitions. Tests check them against the registered kernels. */
export const opArguments: Readonly<Record<string, OpArguments>> = {
  Abs: args('x', 'y'),
  AddN: args('inputs*', 'sum'),
  AddV2: args('x y', 'z'),
  AssignVariableOp: args('resource value', ''),
  AvgPool: args('value', 'output'),
  AvgPoolGrad: args('orig_input_shape grad', 'output'),
  BiasAdd: args('value bias', 'output'),
  BiasAddGrad: args('out_backprop', 'output'),
  BroadcastTo: args('input shape', 'output'),
  Cast: args('x', 'y'),
  ConcatV2: args('values* axis', 'output'),
  Const: args('', 'output'),
  Conv2D: args('input filter', 'output'),
  Conv2DBackpropFilter: args('input filter_sizes out_backprop', 'output'),
  Conv2DBackpropInput: args('input_sizes filter out_backprop', 'output'),
  DeepCopy: args('x', 'y'),
  DepthwiseConv2dNative: args('input filter', 'output'),
  DepthwiseConv2dNativeBackpropInput: args('input_sizes filter out_backprop', 'output'),
  Fill: args('dims value', 'output'),
  Floor: args('x', 'y'),
  GatherV2: args('params indices axis', 'output'),
  GnrAllReduce: args('inputs*', 'outputs*'),
  Identity: args('input', 'output'),
  LeakyRelu: args('features', 'activations'),
  LeakyReluGrad: args('gradients features', 'backprops'),
  Log: args('x', 'y'),
  MatMul: args('a b', 'product'),
  MaxPool: args('input', 'output'),
  MaxPoolGrad: args('orig_input orig_output grad', 'output'),
  Mean: args('input reduction_indices', 'output'),
  Mul: args('x y', 'z'),
  Pad: args('input paddings', 'output'),
  Placeholder: args('', 'output'),
  ReadVariableOp: args('resource', 'value'),
  RealDiv: args('x y', 'z'),
  Reshape: args('tensor shape', 'output'),
  Rsqrt: args('x', 'y'),
  Sigmoid: args('x', 'y'),
  Sign: args('x', 'y'),
  Slice: args('input begin size', 'output'),
  Softplus: args('features', 'activations'),
  SplitV: args('value size_splits split_dim', 'output*'),
  Sqrt: args('x', 'y'),
  Square: args('x', 'y'),
  Sub: args('x y', 'z'),
  Sum: args('input reduction_indices', 'output'),
  UnsortedSegmentSum: args('data segment_ids num_segments', 'output'),
  VarHandleOp: args('', 'resource'),
};

/** One name for each of `count` inputs or outputs. */
function spread(names: readonly string[], count: number): string[] {
  return names.flatMap((name) => {
    if (!name.endsWith('*')) return [name];
    return Array<string>(count - names.length + 1).fill(name.slice(0, -1));
  });
}

/**
 * The names of a node's inputs, without control inputs, and outputs.
 *
 * @throws RangeError for an operation that is missing from the table.
 */
export function argumentNames(
  op: string,
  inputs: number,
  outputs: number,
): { inputs: string[]; outputs: string[] } {
  const known = opArguments[op];
  if (known === undefined)
    throw new RangeError(
      `the arguments of the TensorFlow operation ${op} are not known; add them to src/runtime/capture/op-arguments.ts`,
    );
  return { inputs: spread(known.inputs, inputs), outputs: spread(known.outputs, outputs) };
}
