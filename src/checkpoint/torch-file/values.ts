// Tensors and storages of a PyTorch file.
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
  | 'bool'
  | UnreadDtype;

/** Types whose numbers are not read: they have no meaning as weights, or need more than their bytes. */
export const UNREAD_BYTES = {
  complex32: 4,
  complex64: 8,
  complex128: 16,
  qint8: 1,
  quint8: 1,
  qint32: 4,
  quint4x2: 1,
  quint2x4: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float8_e5m2: 1,
  float8_e4m3fn: 1,
  float8_e5m2fnuz: 1,
  float8_e4m3fnuz: 1,
  float8_e8m0fnu: 1,
} as const;
export type UnreadDtype = keyof typeof UNREAD_BYTES;

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
  ...UNREAD_BYTES,
};

/** The class of a pickled storage (`torch.FloatStorage`). */
export class StorageType {
  readonly dtype: TorchDtype;
  constructor(dtype: TorchDtype) {
    this.dtype = dtype;
  }
}

/** Numbers in the file that one or more tensors view; they are read when a tensor is. */
export interface TorchStorage {
  dtype: TorchDtype;
  /** Name of its bytes in the file. */
  key: string;
  /** The number of elements under that name. */
  elements: number;
  /** The first element of this storage among them; above 0 only for views in legacy files. */
  begin: number;
}

/** Numbers that are in the pickle itself: those of a NumPy array. */
export class InlineStorage implements TorchStorage {
  readonly key = '';
  readonly begin = 0;
  readonly dtype: TorchDtype;
  readonly elements: number;
  readonly bytes: Uint8Array;
  constructor(dtype: TorchDtype, bytes: Uint8Array) {
    this.dtype = dtype;
    this.bytes = bytes;
    this.elements = bytes.byteLength / DTYPE_BYTES[dtype];
  }
}

/** A tensor whose numbers cannot be read as they stand, such as a quantised or a sparse one. */
export class UnreadableTensor {
  /** What it is, with an article. */
  readonly what: string;
  /** The call in Python that turns it into one that can be read. */
  readonly remedy: string;
  constructor(what: string, remedy: string) {
    this.what = what;
    this.remedy = remedy;
  }
}

/** The place of a storage's bytes, with a checksum if the format has one. */
export interface StorageRecord {
  name: string;
  /** Position in the file, bytes. */
  start: number;
  bytes: number;
  crc32?: number;
  /** The file that holds it, if that is not the checkpoint itself: an unpacked one has a file for each storage. */
  file?: string;
}

/** A tensor of the file: its type and shape, and the place of its numbers. */
export class TorchTensorRef {
  readonly storage: TorchStorage;
  /** The first element, counted from the start of the storage's bytes. */
  readonly offset: number;
  readonly shape: readonly number[];
  /** The distance of neighbours along each axis, in elements. */
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
