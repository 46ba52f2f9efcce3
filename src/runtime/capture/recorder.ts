// Records the tensor operations of a function as nodes of a graph.
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OpAttribute, TensorflowBackend, TensorflowBinding } from '../native-kernels.js';
import { type Graph, graphAttribute, toGraphAttribute } from './graph.js';
import { operationTypes, type Precision, type StoredTensor, typeAttribute } from './mixed-precision.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32, outputInfos, type TensorInfo } from './shape-rules.js';

export type { Activations, Arithmetic, Precision } from './mixed-precision.js';

/** Shape and type of a program's input or of a variable. */
export interface TensorSpec {
  shape: readonly number[];
  dtype: 'float32' | 'int32';
}

/** The metadata of a new tensor for the backend. */
interface OutputMetadata {
  id: number;
  shape: readonly number[];
  dtype: number;
}

/** The calls of the addon that recording replaces. */
interface RecordedBinding extends TensorflowBinding {
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayLike<number>;
  executeOp(op: string, attributes: OpAttribute[], inputs: number[], outputs: number): OutputMetadata[];
}

interface RecordedBackend extends TensorflowBackend {
  createOutputTensor(metadata: OutputMetadata): Tensor;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
}

/** First id of tensors that exist only in the graph; the addon counts its own from 0. */
const FIRST_SYMBOLIC_ID = 2 ** 30;

interface RecordedTensor extends StoredTensor {
  /** `node` or `node:output`, of the type `storage`. */
  source: string;
}

/** TensorFlow's code of a type. @throws RangeError for types that captured programs do not have. */
export function dtypeCode(dtype: DataType): number {
  if (dtype === 'float32') return DT_FLOAT;
  if (dtype === 'int32') return DT_INT32;
  throw new RangeError(`captured programs have no tensors of type ${dtype}`);
}

/**
 * Turns the tensor operations of a function into graph nodes without computing anything. While it records, the backend's
 * calls into TensorFlow append nodes, with shapes from `shape-rules.ts`, and new tensors become constant nodes.
 */
export class Recorder {
  private readonly graph: Graph;
  private readonly backend: RecordedBackend;
  private readonly tensors = new Map<number, RecordedTensor>();
  private readonly precision: Precision;
  /** By type, the casts of sources to it. */
  private readonly casts = new Map([DT_FLOAT, DT_BFLOAT16].map((type) => [type, new Map<string, string>()]));
  private nextId = FIRST_SYMBOLIC_ID;

  constructor(graph: Graph, backend: TensorflowBackend, precision: Precision = {}) {
    this.graph = graph;
    this.backend = backend as RecordedBackend;
    this.precision = precision;
  }

  /** Creates a tensor that stands for an output of a graph node. */
  symbol(source: string, { shape, dtype }: TensorSpec): Tensor {
    return this.backend.createOutputTensor(this.register(source, { shape, dtype: dtypeCode(dtype) }));
  }

  /** The graph output that a recorded tensor stands for, in the tensor's own type. */
  sourceOf(tensor: Tensor): string {
    const recorded = this.find(this.backend.getInputTensorIds([tensor])[0]!, 'an output');
    return this.sourceAs(recorded.dtype, recorded);
  }

  /** Runs `fn` and records its tensor operations instead of computing them. Frees the tensors that it creates. */
  record<T>(fn: () => T): T {
    const real = this.backend.binding as RecordedBinding;
    const overrides: Partial<RecordedBinding> = {
      createTensor: (shape, dtype, values) => {
        // A constant of the graph and also a real tensor, which may outlive the recording.
        const source = this.graph.constant(dtype, shape, values);
        const id = real.createTensor(shape, dtype, values);
        this.tensors.set(id, { shape, dtype, storage: dtype, values, source });
        return id;
      },
      deleteTensor: (id) => {
        if (id >= FIRST_SYMBOLIC_ID) return;
        this.tensors.delete(id);
        real.deleteTensor(id);
      },
      tensorDataSync: (id) => {
        if (id >= FIRST_SYMBOLIC_ID)
          throw new RangeError('a captured function cannot read values: they exist only when it runs');
        return real.tensorDataSync(id);
      },
      executeOp: (op, attributes, inputs, outputs) => this.recordOp(real, op, attributes, inputs, outputs),
    };
    // The addon's properties are read-only, so the inheriting object has to define its own.
    const recordingBinding = Object.create(
      real,
      Object.getOwnPropertyDescriptors(overrides),
    ) as RecordedBinding;
    const { backend } = this;
    const getInputTensorIds = backend.getInputTensorIds.bind(backend);
    backend.getInputTensorIds = (tensors) => {
      const ids = getInputTensorIds(tensors);
      this.identify(real, tensors, ids);
      return ids;
    };
    backend.executeAfter = (x, dependencies) => this.recordAfter(x, dependencies);
    backend.binding = recordingBinding;
    try {
      // Here, so that tensors freed at the end of tidy go through the recording binding too.
      return tf.tidy(fn as () => tf.TensorContainer) as T;
    } finally {
      backend.binding = real;
      backend.getInputTensorIds = getInputTensorIds;
      delete backend.executeAfter;
    }
  }

  /** Records an identity with control inputs, which orders nodes without reading values. */
  private recordAfter(x: Tensor, dependencies: readonly Tensor[]): Tensor {
    const [{ shape, dtype, storage, source }, ...predecessors] = this.backend
      .getInputTensorIds([x, ...dependencies])
      .map((id) => this.find(id, 'an input of Identity')) as [RecordedTensor, ...RecordedTensor[]];
    const controls = new Set(predecessors.map((tensor) => `^${tensor.source.split(':')[0]!}`));
    const stored = [{ shape, dtype: storage }];
    const node = this.graph.add(
      'Identity',
      [source, ...controls],
      { T: graphAttribute.type(storage) },
      stored,
    );
    return this.backend.createOutputTensor(this.register(node, { shape, dtype }, storage));
  }

  private recordOp(
    real: RecordedBinding,
    op: string,
    attributes: OpAttribute[],
    ids: number[],
    outputs: number,
  ): OutputMetadata[] {
    const inputs = ids.map((id) => this.find(id, `an input of ${op}`));
    const infos = outputInfos({ op, inputs, attributes, outputs });
    const attrs = Object.fromEntries(attributes.map((entry) => [entry.name, toGraphAttribute(entry, real)]));
    const { compute, store } = operationTypes(op, inputs, infos[0]!, this.precision);
    if (compute === DT_BFLOAT16) attrs[typeAttribute(op)] = graphAttribute.type(compute);
    const sources = inputs.map((input) =>
      input.dtype === DT_FLOAT ? this.sourceAs(compute, input) : input.source,
    );
    const computed = infos.map(({ shape, dtype }) => ({
      shape,
      dtype: dtype === DT_FLOAT ? compute : dtype,
    }));
    const node = this.graph.add(op, sources, attrs, computed);
    return infos.map((info, i) => {
      const source = i === 0 ? node : `${node}:${i}`;
      if (info.dtype !== DT_FLOAT) return this.register(source, info);
      return this.register(
        this.sourceAs(store, { source, shape: info.shape, storage: compute }),
        info,
        store,
      );
    });
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

  /**
   * Records tensors that existed before recording, such as a blur filter that all layers share, as constants of the graph.
   */
  private identify(real: RecordedBinding, tensors: readonly Tensor[], ids: readonly number[]): void {
    ids.forEach((id, i) => {
      if (this.tensors.has(id)) return;
      const { shape, dtype: name } = tensors[i]!;
      const dtype = dtypeCode(name);
      const values = real.tensorDataSync(id);
      const source = this.graph.constant(dtype, shape, values);
      this.tensors.set(id, { shape, dtype, storage: dtype, values, source });
    });
  }

  private register(source: string, info: TensorInfo, storage = info.dtype): OutputMetadata {
    const id = this.nextId++;
    this.tensors.set(id, { ...info, storage, source });
    return { id, shape: info.shape, dtype: info.dtype };
  }

  private find(id: number, what: string): RecordedTensor {
    const tensor = this.tensors.get(id);
    if (tensor === undefined) throw new RangeError(`${what} was not created by the captured function`);
    return tensor;
  }
}
