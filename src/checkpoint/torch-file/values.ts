/** Number types of tensors in a PyTorch file. */
export type TorchDtype =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool';

export const DTYPE_BYTES: Readonly<Record<TorchDtype, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** The class that a storage was pickled under (`torch.FloatStorage`). */
export class StorageType {
  readonly dtype: TorchDtype;
  constructor(dtype: TorchDtype) {
    this.dtype = dtype;
  }
}

/** Numbers in the file that one or more tensors look into; they are read when a tensor is. */
export interface TorchStorage {
  dtype: TorchDtype;
  /** Name of its bytes in the file. */
  key: string;
  /** Elements of all bytes under that name. */
  elements: number;
  /** Where this storage begins among them, elements; above 0 for views in legacy files alone. */
  begin: number;
}

/** Where the bytes of a storage lie, with a checksum where the format has one. */
export interface StorageRecord {
  name: string;
  /** Position in the file, bytes. */
  start: number;
  bytes: number;
  crc32?: number;
}

/** A tensor of the file: what it is, and where its numbers lie. */
export class TorchTensorRef {
  readonly storage: TorchStorage;
  /** First element, counted from the beginning of the storage's bytes. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** Elements from one to the next along each axis. */
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }

  get dtype(): TorchDtype {
    return this.storage.dtype;
  }

  get elements(): number {
    return this.shape.reduce((product, n) => product * n, 1);
  }

  get bytes(): number {
    return this.elements * DTYPE_BYTES[this.dtype];
  }
}
