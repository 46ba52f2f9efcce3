// What the native kernels need of whoever carries out TensorFlow's operations: the eager engine or a graph's recorder.
import type { Tensor } from '@tensorflow/tfjs-core';

/** The value of an operation's attribute; a type is one of the codes in `data-types.ts`. */
export type Attribute =
  | { readonly kind: 'int' | 'float' | 'type'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string };

/** The attributes of an operation by name. */
export type Attributes = Readonly<Record<string, Attribute>>;

/** Carries out TensorFlow's operations by name: computes them (`eager-executor.ts`) or records them (`capture/recorder.ts`). */
export interface Executor {
  /** The outputs of an operation, which the caller has to free. */
  execute(op: string, inputs: readonly Tensor[], attributes: Attributes, outputs: number): Tensor[];
  /** A constant, which the caller has to free. @param values row by row. */
  constant(dtype: 'float32' | 'int32', shape: readonly number[], values: readonly number[]): Tensor;
  /** A copy of `x` that exists only after all `dependencies`. */
  after(x: Tensor, dependencies: readonly Tensor[]): Tensor;
  /** When each tensor exists: a smaller number says sooner. */
  readyAt(tensors: readonly Tensor[]): number[];
}
