// Linear algebra in double precision, by TensorFlow.
import { messageOf, RunError } from '../base/errors.js';
import {
  type AddonAttribute,
  type TensorflowBinding,
  type TensorHandle,
  tensorflowBackend,
} from './tensorflow-backend.js';

/** A matrix of doubles on the host, in row-major order. */
export interface Matrix {
  readonly values: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** TensorFlow's codes of types that tfjs does not have. */
const DT_DOUBLE = 2;
const DT_INT64 = 9;

/** Tensors of doubles, freed together by `dispose`. */
class Doubles {
  private readonly binding: TensorflowBinding;
  private readonly ids: number[] = [];

  constructor() {
    this.binding = tensorflowBackend('Double precision').binding;
  }

  /** Passes the bits as 64-bit integers, because the addon does not take doubles. */
  upload({ values, rows, columns }: Matrix): TensorHandle {
    if (values.length !== rows * columns)
      throw new RangeError(`a ${rows} x ${columns} matrix cannot have ${values.length} values`);
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    const id = this.binding.createTensor([rows, columns], DT_INT64, bits);
    this.ids.push(id);
    return this.bitcast(id, DT_INT64, DT_DOUBLE);
  }

  read(tensor: TensorHandle): Float64Array {
    const bits = this.binding.tensorDataSync(this.bitcast(tensor.id, DT_DOUBLE, DT_INT64).id);
    return new Float64Array(bits.buffer, bits.byteOffset, bits.length);
  }

  /** Runs an operation on doubles. @throws RunError naming it. */
  run(
    op: string,
    inputs: readonly TensorHandle[],
    flags: Record<string, boolean>,
    outputs: number,
  ): TensorHandle[] {
    const { binding } = this;
    const attributes = Object.entries(flags).map(([name, value]) => ({
      name,
      type: binding.TF_ATTR_BOOL,
      value,
    }));
    return this.execute(op, [this.type('T', DT_DOUBLE), ...attributes], inputs, outputs);
  }

  dispose(): void {
    for (const id of this.ids.splice(0)) this.binding.deleteTensor(id);
  }

  private type(name: string, value: number): AddonAttribute {
    return { name, type: this.binding.TF_ATTR_TYPE, value };
  }

  private bitcast(id: number, from: number, to: number): TensorHandle {
    return this.execute('Bitcast', [this.type('T', from), this.type('type', to)], [{ id }], 1)[0]!;
  }

  private execute(
    op: string,
    attributes: AddonAttribute[],
    inputs: readonly { id: number }[],
    outputs: number,
  ): TensorHandle[] {
    try {
      const handles = this.binding.executeOp(
        op,
        attributes,
        inputs.map(({ id }) => id),
        outputs,
      );
      this.ids.push(...handles.map(({ id }) => id));
      return handles;
    } catch (error) {
      throw new RunError(`TensorFlow could not run ${op} on doubles: ${messageOf(error)}`, { cause: error });
    }
  }
}

function withDoubles<R>(work: (doubles: Doubles) => R): R {
  const doubles = new Doubles();
  try {
    return work(doubles);
  } finally {
    doubles.dispose();
  }
}

function checkSquare({ rows, columns }: Matrix): void {
  if (rows !== columns) throw new RangeError(`expected a square matrix, not ${rows} x ${columns}`);
}

/**
 * Multiplies two matrices, each transposed on request, in double precision.
 * @throws RangeError if their sizes do not match; RunError if TensorFlow fails.
 */
export function matMul(
  a: Matrix,
  b: Matrix,
  { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {},
): Matrix {
  const [rows, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [innerB, columns] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  if (inner !== innerB)
    throw new RangeError(`cannot multiply ${rows} x ${inner} with ${innerB} x ${columns}`);
  return withDoubles((doubles) => {
    const flags = { transpose_a: transposeA, transpose_b: transposeB };
    const [product] = doubles.run('MatMul', [doubles.upload(a), doubles.upload(b)], flags, 1);
    return { values: doubles.read(product!), rows, columns };
  });
}

/**
 * The lower triangular L of `m = L L^T`, or null if a symmetric `m` is not positive definite in double precision.
 * @throws RangeError if `m` is not square.
 */
export function cholesky(m: Matrix): Matrix | null {
  checkSquare(m);
  return withDoubles((doubles) => {
    const input = doubles.upload(m);
    let values: Float64Array;
    try {
      values = doubles.read(doubles.run('Cholesky', [input], {}, 1)[0]!);
    } catch {
      return null; // Only processors throw; GPUs return NaN instead.
    }
    return values.every(Number.isFinite) ? { ...m, values } : null;
  });
}

/**
 * Eigenvalues of a symmetric matrix in ascending order, and eigenvectors as the columns of a matrix. Reads only the lower
 * triangle. @throws RangeError if `m` is not square; RunError if TensorFlow fails.
 */
export function symmetricEigen(m: Matrix): { values: Float64Array; vectors: Matrix } {
  checkSquare(m);
  return withDoubles((doubles) => {
    const [values, vectors] = doubles.run('SelfAdjointEigV2', [doubles.upload(m)], { compute_v: true }, 2);
    return { values: doubles.read(values!), vectors: { ...m, values: doubles.read(vectors!) } };
  });
}

/** Singular values in descending order, `min(rows, columns)` of them. @throws RunError if TensorFlow fails. */
export function singularValues(m: Matrix): Float64Array {
  return withDoubles((doubles) => {
    const flags = { compute_uv: false, full_matrices: false };
    return doubles.read(doubles.run('Svd', [doubles.upload(m)], flags, 3)[0]!);
  });
}
