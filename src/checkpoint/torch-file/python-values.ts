// Python values for the pickler.
/** A tensor to write; its numbers are asked for when it is written. */
export class TensorToPickle {
  readonly shape: readonly number[];
  /** The numbers, row-major. */
  readonly data: () => Float32Array | Promise<Float32Array>;
  constructor(shape: readonly number[], data: () => Float32Array | Promise<Float32Array>) {
    this.shape = shape;
    this.data = data;
  }
}

/** Python's `collections.OrderedDict`; an ordinary map becomes a `dict`. */
export class OrderedDict extends Map<string, PythonValue> {}

/** Python's `tuple`; an array becomes a `list`. */
export class Tuple {
  readonly items: readonly PythonValue[];
  constructor(items: readonly PythonValue[]) {
    this.items = items;
  }
}

/** Python's `float`; a number becomes an `int`. */
export class PythonFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** The values of a checkpoint. */
export type PythonValue =
  | null
  | boolean
  | number
  | string
  | PythonFloat
  | Tuple
  | TensorToPickle
  | readonly PythonValue[]
  | ReadonlyMap<string | number, PythonValue>;
