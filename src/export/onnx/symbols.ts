// Tensors without values that stand for parts of an ONNX graph, and how they are stored there.
import type { DataId } from '@tensorflow/tfjs-core';
import { Tensor } from '@tensorflow/tfjs-core';
import { transpose } from '../../checkpoint/torch-layout.js';
import type { Attributes, Constant, Expression, Operation } from './expressions.js';

/**
 * Stands for the number of images, which is free in the file, in the shapes of tensors: a prime, of which no other size is a
 * multiple.
 */
export const BATCH = 1_000_003;

/** The axes of a tensor in the order in which the file stores them: `stored[i]` is axis `order[i]`. */
export type Order = readonly number[];

/** Images `[n, h, w, c]`, stored as NCHW. */
export const NCHW: Order = [0, 3, 1, 2];
/** Filters `[h, w, in, out]`, stored as `[out, in, h, w]`. */
export const OIHW: Order = [3, 2, 0, 1];

export const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

/** The order of tensors that a network computes, and of inputs and outputs. */
export const usualOrder = (rank: number): Order => (rank === 4 ? NCHW : axesOf(rank));

const sameOrder = (a: Order, b: Order): boolean => a.join() === b.join();

/** Numbers that are known while recording, and the constants that were made of them. */
interface Numbers {
  name: string;
  data: Float32Array;
  isWeight: boolean;
  owner?: string;
  /** By view, order and stored shape. */
  arranged: Map<string, Constant>;
}

/** What a tensor stands for. */
export type Meaning = KnownNumbers | Computed;

/** A parameter or another tensor with values; rearranging it costs nothing. */
export interface KnownNumbers {
  kind: 'known';
  shape: readonly number[];
  numbers: Numbers;
}

/** An input, or what the graph computes. */
export interface Computed {
  kind: 'computed';
  shape: readonly number[];
  value: Expression;
  order: Order;
  /** The same value transposed, for other readers. */
  transposed: Map<string, Expression>;
  /** Images of which this is the flattened form `[n, h * w * c]`. */
  images?: Computed;
}

/** The shape of the stored form of a tensor. */
export const storedShape = (shape: readonly number[], order: Order): number[] =>
  order.map((axis) => shape[axis]!);

/**
 * A constant's numbers, seen in the shape `view`, stored in an order of axes and finally in the shape `shape`. Equal
 * requests give the same constant.
 */
export function arranged(
  { numbers }: KnownNumbers,
  view: readonly number[],
  order: Order,
  shape: readonly number[] = storedShape(view, order),
): Constant {
  const key = [view, order, shape].join(':');
  let constant = numbers.arranged.get(key);
  if (constant === undefined) {
    const { name, isWeight, owner } = numbers;
    const moving = order.filter((axis) => view[axis] !== 1);
    const isMoved = moving.some((axis, i) => i > 0 && axis < moving[i - 1]!);
    const data = isMoved ? transpose(numbers.data, view, order) : numbers.data;
    constant = { kind: 'constant', name, shape, data, isWeight, ...(owner !== undefined && { owner }) };
    numbers.arranged.set(key, constant);
  }
  return constant;
}

/** The tensors of one recording. */
export class Symbols {
  private readonly meanings = new WeakMap<DataId, Meaning>();
  private readonly shared = new Map<string, Constant>();
  private operations = 0;
  /** Ids of tensors that the engine knows are positive. */
  private nextId = -1;

  /** A new tensor that stands for `meaning`. */
  tensor(meaning: Meaning): Tensor {
    const dataId: DataId = {};
    this.meanings.set(dataId, meaning);
    return new Tensor([...meaning.shape], 'float32', dataId, this.nextId--);
  }

  computed(value: Expression, shape: readonly number[], order: Order, images?: Computed): Computed {
    return {
      kind: 'computed',
      shape,
      value,
      order,
      transposed: new Map(),
      ...(images !== undefined && { images }),
    };
  }

  known(shape: readonly number[], numbers: Omit<Numbers, 'arranged'>): KnownNumbers {
    return { kind: 'known', shape, numbers: { ...numbers, arranged: new Map() } };
  }

  /** What a tensor stands for. A tensor with values, such as a filter that all layers share, is a constant. */
  meaningOf(tensor: Tensor): Meaning {
    let meaning = this.meanings.get(tensor.dataId);
    if (meaning === undefined) {
      if (tensor.dtype !== 'float32')
        throw new RangeError(`ONNX exports have no tensors of type ${tensor.dtype}`);
      const data = tensor.dataSync<'float32'>();
      meaning = this.known(tensor.shape, { name: 'constant', data, isWeight: false });
      this.meanings.set(tensor.dataId, meaning);
    }
    return meaning;
  }

  operation(
    op: string,
    inputs: readonly Expression[],
    attributes: Attributes = {},
    name?: string,
  ): Operation {
    const index = this.operations++;
    return { kind: 'operation', op, inputs, attributes, index, ...(name !== undefined && { name }) };
  }

  /** A plain number; `[1]` where an operator takes no scalar. */
  number(value: number, shape: readonly number[] = []): Constant {
    return this.sharedConstant(`number_${value}`, shape, Float32Array.of(value));
  }

  /** A vector of integers, such as axes. */
  integers(values: readonly number[]): Constant {
    return this.sharedConstant(`integers_${values.join('_')}`, [values.length], Int32Array.from(values));
  }

  /** A tensor's value in an order of axes. */
  stored(x: Meaning, order = this.orderOf(x)): Expression {
    if (x.kind === 'known') return arranged(x, x.shape, order);
    if (sameOrder(x.order, order)) return x.value;
    const key = order.join();
    let value = x.transposed.get(key);
    if (value === undefined) {
      const perm = order.map((axis) => x.order.indexOf(axis));
      value = this.operation('Transpose', [x.value], { perm: { ints: perm } });
      x.transposed.set(key, value);
    }
    return value;
  }

  /** The order in which a tensor is stored; that of a filter for a constant of four axes. */
  orderOf(x: Meaning): Order {
    if (x.kind === 'computed') return x.order;
    return x.shape.length === 4 ? OIHW : axesOf(x.shape.length);
  }

  /** The same elements in another shape. */
  reshaped(x: Meaning, shape: readonly number[]): Meaning {
    if (x.kind === 'known') return { ...x, shape };
    const isLong = (size: number): boolean => size !== 1;
    if (x.shape.filter(isLong).join() === shape.filter(isLong).join()) return this.withUnitAxes(x, shape);
    const sizes = shape.map((size) => (size % BATCH === 0 ? -1 : size));
    const plain = this.stored(x, axesOf(x.shape.length));
    const value = this.operation('Reshape', [plain, this.integers(sizes)]);
    const isFlattened = shape.length === 2 && shape[0] === x.shape[0] && sameOrder(x.order, NCHW);
    return this.computed(value, shape, axesOf(shape.length), isFlattened ? x : undefined);
  }

  /** Adds and removes axes of length one, so that the others stay in the order in which they are stored. */
  private withUnitAxes(x: Computed, shape: readonly number[]): Computed {
    const longAxes = (of: readonly number[]): number[] => axesOf(of.length).filter((axis) => of[axis] !== 1);
    const [from, to] = [longAxes(x.shape), longAxes(shape)];
    const sequence = x.order.filter((axis) => from.includes(axis)).map((axis) => to[from.indexOf(axis)]!);
    const usual = usualOrder(shape.length);
    const units = axesOf(shape.length).filter((axis) => shape[axis] === 1);
    const isUsual = sameOrder(
      usual.filter((axis) => to.includes(axis)),
      sequence,
    );
    const order = isUsual ? usual : [...sequence, ...units];
    const unitPlaces = (stored: readonly number[]): number[] =>
      axesOf(stored.length).filter((place) => stored[place] === 1);
    const removed = unitPlaces(storedShape(x.shape, x.order));
    const added = unitPlaces(storedShape(shape, order));
    if (sameOrder(removed, added) && x.shape.length === shape.length)
      return this.computed(x.value, shape, order);
    let { value } = x;
    if (removed.length > 0) value = this.squeezed(value, removed);
    if (added.length > 0) value = this.operation('Unsqueeze', [value, this.integers(added)]);
    return this.computed(value, shape, order);
  }

  /** Without axes of length one; a sum over just these axes no longer keeps them. */
  private squeezed(value: Expression, places: readonly number[]): Operation {
    const axes = this.integers(places);
    const isTheirSum =
      value.kind === 'operation' &&
      value.op === 'ReduceSum' &&
      value.inputs[1] === axes &&
      value.attributes.keepdims === undefined;
    if (isTheirSum) return this.operation('ReduceSum', value.inputs, { keepdims: { int: 0 } });
    return this.operation('Squeeze', [value, axes]);
  }

  private sharedConstant(name: string, shape: readonly number[], data: Float32Array | Int32Array): Constant {
    const key = `${name}:${shape.join()}`;
    let constant = this.shared.get(key);
    if (constant === undefined) {
      constant = { kind: 'constant', name, shape, data, isWeight: false };
      this.shared.set(key, constant);
    }
    return constant;
  }
}
