import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OpAttribute, TensorflowBackend, TensorflowBinding } from '../native-kernels.js';
import { type Graph, graphAttribute, toGraphAttribute } from './graph.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32, outputInfos, type TensorInfo } from './shape-rules.js';

/** Shape and type of a program's input or of a variable. */
export interface TensorSpec {
  shape: readonly number[];
  dtype: 'float32' | 'int32';
}

/** What the backend is told of a new tensor. */
interface OutputMetadata {
  id: number;
  shape: readonly number[];
  dtype: number;
}

/** The calls of the addon that recording stands in for. */
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

/** Ids of tensors that exist in the graph only; the addon counts its own from 0. */
const FIRST_SYMBOLIC_ID = 2 ** 30;

/** What convolutions multiply in; sums, weights, and everything else stay float32. */
export type Arithmetic = 'float32' | 'tf32' | 'bfloat16';

const CONVOLUTIONS: ReadonlySet<string> = new Set(['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter']);
/** Convolutions from or to fewer channels (pictures, logits) gain nothing from bfloat16, and would lose precision. */
const FEWEST_BFLOAT16_CHANNELS = 16;

interface RecordedTensor extends TensorInfo {
  /** `node` or `node:output`. */
  source: string;
}

/** TensorFlow's number for a type. */
export function dtypeCode(dtype: DataType): number {
  if (dtype === 'float32') return DT_FLOAT;
  if (dtype === 'int32') return DT_INT32;
  throw new RangeError(`captured programs have no tensors of type ${dtype}`);
}

/**
 * Turns what a function does with tensors into graph nodes, without computing anything: while it records, the backend's
 * calls into TensorFlow append nodes, and shapes follow from rules. Constants made meanwhile become constant nodes.
 */
export class Recorder {
  private readonly graph: Graph;
  private readonly backend: RecordedBackend;
  private readonly tensors = new Map<number, RecordedTensor>();
  private readonly arithmetic: Arithmetic;
  /** Nodes that give a float32 source in bfloat16. */
  private readonly rounded = new Map<string, string>();
  private nextId = FIRST_SYMBOLIC_ID;

  constructor(graph: Graph, backend: TensorflowBackend, arithmetic: Arithmetic = 'float32') {
    this.graph = graph;
    this.backend = backend as RecordedBackend;
    this.arithmetic = arithmetic;
  }

  /** A tensor that stands for the output of a graph node. */
  symbol(source: string, { shape, dtype }: TensorSpec): Tensor {
    return this.backend.createOutputTensor(this.register(source, { shape, dtype: dtypeCode(dtype) }));
  }

  /** The graph output that a tensor made while recording stands for. */
  sourceOf(tensor: Tensor): string {
    return this.find(this.backend.getInputTensorIds([tensor])[0]!, 'an output').source;
  }

  /** Runs `fn` with its tensor operations recorded in place of computed; frees the tensors that it leaves. */
  record<T>(fn: () => T): T {
    const real = this.backend.binding as RecordedBinding;
    const overrides: Partial<RecordedBinding> = {
      createTensor: (shape, dtype, values) => {
        // Both a constant of the graph and a real tensor, which may outlive the recording.
        const source = this.graph.constant(dtype, shape, values);
        const id = real.createTensor(shape, dtype, values);
        this.tensors.set(id, { shape, dtype, values, source });
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
    // The addon's own properties are read-only, so an inheriting object has to define its own.
    const stand = Object.create(real, Object.getOwnPropertyDescriptors(overrides)) as RecordedBinding;
    const { backend } = this;
    const getInputTensorIds = backend.getInputTensorIds.bind(backend);
    backend.getInputTensorIds = (tensors) => {
      const ids = getInputTensorIds(tensors);
      this.identify(real, tensors, ids);
      return ids;
    };
    backend.executeAfter = (x, dependencies) => this.recordAfter(x, dependencies);
    backend.binding = stand;
    try {
      // Within, so that what is freed at its end is told to the stand-in too.
      return tf.tidy(fn as () => tf.TensorContainer) as T;
    } finally {
      backend.binding = real;
      backend.getInputTensorIds = getInputTensorIds;
      delete backend.executeAfter;
    }
  }

  /** An identity with control inputs: the only operation that says what comes first without taking its values. */
  private recordAfter(x: Tensor, dependencies: readonly Tensor[]): Tensor {
    const [{ shape, dtype, source }, ...others] = this.backend
      .getInputTensorIds([x, ...dependencies])
      .map((id) => this.find(id, 'an input of Identity')) as [RecordedTensor, ...RecordedTensor[]];
    const controls = new Set(others.map((other) => `^${other.source.split(':')[0]!}`));
    const node = this.graph.add('Identity', [source, ...controls], { T: graphAttribute.type(dtype) }, [
      { shape, dtype },
    ]);
    return this.backend.createOutputTensor(this.register(node, { shape, dtype }));
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
    if (this.isRounded(op, inputs, infos[0]!)) {
      const sources = inputs.map((input) => (input.dtype === DT_FLOAT ? this.round(input) : input.source));
      const { shape } = infos[0]!;
      const product = this.graph.add(op, sources, { ...attrs, T: graphAttribute.type(DT_BFLOAT16) }, [
        { shape, dtype: DT_BFLOAT16 },
      ]);
      return [this.register(this.cast(product, shape, DT_BFLOAT16, DT_FLOAT), infos[0]!)];
    }
    const node = this.graph.add(
      op,
      inputs.map(({ source }) => source),
      attrs,
      infos,
    );
    return infos.map((info, i) => this.register(i === 0 ? node : `${node}:${i}`, info));
  }

  private isRounded(op: string, inputs: readonly TensorInfo[], output: TensorInfo): boolean {
    if (this.arithmetic !== 'bfloat16' || !CONVOLUTIONS.has(op)) return false;
    const filter = op === 'Conv2DBackpropFilter' ? output : inputs[1]!;
    return filter.shape.slice(2).every((channels) => channels >= FEWEST_BFLOAT16_CHANNELS);
  }

  private round({ source, shape }: RecordedTensor): string {
    const node = this.rounded.get(source) ?? this.cast(source, shape, DT_FLOAT, DT_BFLOAT16);
    this.rounded.set(source, node);
    return node;
  }

  private cast(source: string, shape: readonly number[], from: number, to: number): string {
    const attributes = { SrcT: graphAttribute.type(from), DstT: graphAttribute.type(to) };
    return this.graph.add('Cast', [source], attributes, [{ shape, dtype: to }]);
  }

  /**
   * The ids of an operation's inputs; of a tensor that was made before recording, such as a blur filter that all layers
   * share, also what makes it a constant of the graph.
   */
  private identify(real: RecordedBinding, tensors: readonly Tensor[], ids: readonly number[]): void {
    ids.forEach((id, i) => {
      if (this.tensors.has(id)) return;
      const { shape, dtype: name } = tensors[i]!;
      const dtype = dtypeCode(name);
      const values = real.tensorDataSync(id);
      this.tensors.set(id, { shape, dtype, values, source: this.graph.constant(dtype, shape, values) });
    });
  }

  private register(source: string, info: TensorInfo): OutputMetadata {
    const id = this.nextId++;
    this.tensors.set(id, { ...info, source });
    return { id, shape: info.shape, dtype: info.dtype };
  }

  private find(id: number, what: string): RecordedTensor {
    const tensor = this.tensors.get(id);
    if (tensor === undefined) throw new RangeError(`${what} was not made by the captured function`);
    return tensor;
  }
}
