// Records the tensor operations of a function as nodes of a graph.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { DT_BFLOAT16, DT_FLOAT, typeCode } from '../data-types.js';
import type { Attributes, Executor } from '../executor.js';
import { withKernels } from '../kernels.js';
import { nativeKernels } from '../native-kernels.js';
import { SymbolicData, symbolicTensor } from '../symbolic.js';
import { type Graph, graphAttribute, nodeOf } from './graph.js';
import { operationTypes, type Precision, type StoredTensor, typeAttribute } from './mixed-precision.js';
import { outputInfos, type TensorInfo } from './shape-rules.js';
import { stagesOf } from './transfers.js';

export type { Activations, Arithmetic, Precision } from './mixed-precision.js';

/** Shape and type of a program's input or of a variable. */
export interface TensorSpec {
  shape: readonly number[];
  dtype: 'float32' | 'int32';
}

interface RecordedTensor extends StoredTensor {
  /** `node` or `node:output`, of the type `storage`. */
  source: string;
}

/** The values of a constant that no operation has used so far. */
class ConstantData extends SymbolicData {
  constructor(readonly info: TensorInfo & { values: ArrayLike<number> }) {
    super();
  }
}

/** What a symbolic tensor of a recorder stands for. */
class RecordedData extends SymbolicData {
  constructor(
    readonly recorder: Recorder,
    readonly tensor: RecordedTensor,
  ) {
    super();
  }
}

/**
 * Turns the tensor operations of a function into graph nodes without computing anything. While it records, the kernels
 * append nodes, with shapes from `shape-rules.ts`, and give symbolic tensors. Other tensors become constants of the graph.
 */
export class Recorder implements Executor {
  private readonly graph: Graph;
  private readonly precision: Precision;
  private readonly kernels = nativeKernels(this);
  /** By its data, the constant of a tensor with values, such as a blur filter that all layers share. */
  private readonly constants = new WeakMap<object, RecordedTensor>();
  /** By type, the casts of sources to it. */
  private readonly casts = new Map([DT_FLOAT, DT_BFLOAT16].map((type) => [type, new Map<string, string>()]));

  constructor(graph: Graph, precision: Precision = {}) {
    this.graph = graph;
    this.precision = precision;
  }

  /** Creates a tensor that stands for an output of a graph node. */
  symbol(source: string, { shape, dtype }: TensorSpec): Tensor {
    return this.tensorOf(source, { shape, dtype: typeCode(dtype) });
  }

  /** The graph output that a recorded tensor stands for, in the tensor's own type. */
  sourceOf(tensor: Tensor): string {
    const recorded = this.find(tensor, 'an output');
    return this.sourceAs(recorded.dtype, recorded);
  }

  /** Runs `fn` and records its tensor operations instead of computing them. Frees the tensors that it creates. */
  record<T>(fn: () => T): T {
    return withKernels(this.kernels, () => tf.tidy(fn as () => tf.TensorContainer) as T);
  }

  /** Appends a node. The kernels call it. */
  execute(op: string, tensors: readonly Tensor[], attributes: Attributes, outputs: number): Tensor[] {
    const inputs = tensors.map((tensor) => this.find(tensor, `an input of ${op}`));
    const infos = outputInfos({ op, inputs, attributes, outputs });
    const { compute, store } = operationTypes(op, inputs, infos[0]!, this.precision);
    const sources = inputs.map((input) =>
      input.dtype === DT_FLOAT ? this.sourceAs(compute, input) : input.source,
    );
    const computed = infos.map(({ shape, dtype }) => ({
      shape,
      dtype: dtype === DT_FLOAT ? compute : dtype,
    }));
    const typed =
      compute === DT_BFLOAT16
        ? { ...attributes, [typeAttribute(op)]: graphAttribute.type(compute) }
        : attributes;
    const node = this.graph.add(op, sources, typed, computed);
    return infos.map((info, i) => {
      const source = i === 0 ? node : `${node}:${i}`;
      if (info.dtype !== DT_FLOAT) return this.tensorOf(source, info);
      const stored = this.sourceAs(store, { source, shape: info.shape, storage: compute });
      return this.tensorOf(stored, info, store);
    });
  }

  /** A tensor that becomes a constant where it is used, and shares it with equal small ones. The kernels call it. */
  constant(dtype: 'float32' | 'int32', shape: readonly number[], values: readonly number[]): Tensor {
    return symbolicTensor(new ConstantData({ shape, dtype: typeCode(dtype), values }), shape, dtype);
  }

  /** Appends an identity with control inputs, which orders nodes without reading values. The kernels call it. */
  after(x: Tensor, dependencies: readonly Tensor[]): Tensor {
    const [{ shape, dtype, storage, source }, ...predecessors] = [x, ...dependencies].map((tensor) =>
      this.find(tensor, 'an input of Identity'),
    ) as [RecordedTensor, ...RecordedTensor[]];
    const controls = new Set(predecessors.map((tensor) => `^${tensor.source.split(':')[0]!}`));
    const stored = [{ shape, dtype: storage }];
    const type = { T: graphAttribute.type(storage) };
    const node = this.graph.add('Identity', [source, ...controls], type, stored);
    return this.tensorOf(node, { shape, dtype }, storage);
  }

  /** The stages after which tensors exist. The kernels call it. */
  readyAt(tensors: readonly Tensor[]): number[] {
    const stages = stagesOf(this.graph.messages);
    return tensors.map((tensor) => stages.get(nodeOf(this.find(tensor, 'an input of a transfer').source))!);
  }

  /** The graph output of a tensor in a type: its own source, or a cast that all users share. */
  private sourceAs(
    type: number,
    { source, shape, storage }: Pick<RecordedTensor, 'source' | 'shape' | 'storage'>,
  ): string {
    if (type === storage) return source;
    const known = this.casts.get(type)!.get(source);
    if (known !== undefined) return known;
    const attributes = { SrcT: graphAttribute.type(storage), DstT: graphAttribute.type(type) };
    const cast = this.graph.add('Cast', [source], attributes, [{ shape, dtype: type }]);
    this.casts.get(type)!.set(source, cast);
    this.casts.get(storage)!.set(cast, source);
    return cast;
  }

  private tensorOf(source: string, info: TensorInfo, storage = info.dtype): Tensor {
    const data = new RecordedData(this, { ...info, storage, source });
    return symbolicTensor(data, info.shape, info.dtype === DT_FLOAT ? 'float32' : 'int32');
  }

  private find(tensor: Tensor, what: string): RecordedTensor {
    if (tensor.isDisposed) throw new RangeError(`${what} was disposed before`);
    const { dataId } = tensor;
    if (dataId instanceof RecordedData && dataId.recorder === this) return dataId.tensor;
    if (dataId instanceof ConstantData || !(dataId instanceof SymbolicData)) return this.constantOf(tensor);
    throw new RangeError(`${what} was not created by the captured function`);
  }

  /** The graph's constant for a tensor with values, which may be freed later. */
  private constantOf(tensor: Tensor): RecordedTensor {
    const { dataId } = tensor;
    const known = this.constants.get(dataId);
    if (known !== undefined) return known;
    const { shape, dtype, values } = dataId instanceof ConstantData ? dataId.info : valuesOf(tensor);
    const source = this.graph.constant(dtype, shape, values);
    const recorded = { shape, dtype, storage: dtype, values, source };
    this.constants.set(dataId, recorded);
    return recorded;
  }
}

function valuesOf(tensor: Tensor) {
  const dtype = typeCode(tensor.dtype);
  return { shape: tensor.shape, dtype, values: tensor.dataSync<'float32' | 'int32'>() };
}
