// The kernels that a build of TensorFlow has, and which of them a graph's node runs on.
import { readFields, readPacked, type WireField } from '../../base/protobuf.js';

/** Kinds of device that kernels are looked up for. */
export type DeviceType = 'CPU' | 'GPU';

/** Kernels for this one serve every device that has none of its own. */
const ANY_DEVICE = 'DEFAULT';

/** A kernel as TensorFlow's registry describes it (tensorflow/core/framework/kernel_def.proto). */
export interface KernelRegistration {
  op: string;
  /** `CPU`, `GPU`, `DEFAULT`, `XLA_GPU_JIT`, ... */
  device: string;
  /** The types that each of these attributes may have. */
  constraints: readonly { attribute: string; types: readonly number[] }[];
  /** Names of the inputs and outputs that are in the host's memory, whatever the device. */
  hostMemory: readonly string[];
  /** Kernels with a label serve only nodes that ask for it. */
  label: string;
  priority: number;
}

/** Numbers of the fields of the messages. */
const KERNEL_LIST = { kernel: 1 } as const;
const KERNEL_DEF = { op: 1, device: 2, constraint: 3, hostMemory: 4, label: 5, priority: 6 } as const;
const CONSTRAINT = { name: 1, allowed: 2 } as const;
const ATTR_VALUE = { list: 1 } as const;
const LIST_VALUE = { type: 6 } as const;

/** @throws RangeError where the bytes are no `KernelList`. */
export function parseKernelList(bytes: Uint8Array): KernelRegistration[] {
  return messagesOf(readFields(bytes), KERNEL_LIST.kernel).map((kernel) => {
    const fields = readFields(kernel);
    const priority = fields.find(({ field }) => field === KERNEL_DEF.priority)?.value ?? 0;
    if (typeof priority !== 'number') throw new RangeError('a kernel whose priority is no number');
    return {
      op: textOf(fields, KERNEL_DEF.op),
      device: textOf(fields, KERNEL_DEF.device),
      constraints: messagesOf(fields, KERNEL_DEF.constraint).map((constraint) => {
        const parts = readFields(constraint);
        return { attribute: textOf(parts, CONSTRAINT.name), types: allowedTypes(parts) };
      }),
      hostMemory: messagesOf(fields, KERNEL_DEF.hostMemory).map((name) => new TextDecoder().decode(name)),
      label: textOf(fields, KERNEL_DEF.label),
      priority,
    };
  });
}

function messagesOf(fields: readonly WireField[], number: number): Uint8Array[] {
  return fields
    .filter(({ field }) => field === number)
    .map(({ value }) => {
      if (typeof value === 'number') throw new RangeError(`field ${number} of a kernel list holds a number`);
      return value;
    });
}

function textOf(fields: readonly WireField[], number: number): string {
  return new TextDecoder().decode(messagesOf(fields, number)[0] ?? new Uint8Array());
}

function allowedTypes(constraint: readonly WireField[]): number[] {
  return messagesOf(constraint, CONSTRAINT.allowed)
    .flatMap((value) => messagesOf(readFields(value), ATTR_VALUE.list))
    .flatMap((list) => readFields(list))
    .filter(({ field }) => field === LIST_VALUE.type)
    .flatMap(({ value }) => (typeof value === 'number' ? [value] : readPacked(value)));
}

/** Looks kernels up as TensorFlow's placer does. */
export class KernelRegistry {
  private readonly byOp = new Map<string, KernelRegistration[]>();

  /** @param bytes a serialized `KernelList`, as `TF_GetAllRegisteredKernels` gives it. @throws RangeError where it is none. */
  constructor(bytes: Uint8Array) {
    for (const kernel of parseKernelList(bytes)) {
      const known = this.byOp.get(kernel.op);
      if (known === undefined) this.byOp.set(kernel.op, [kernel]);
      else known.push(kernel);
    }
  }

  /** Every kernel of an operation, for all devices and types. */
  kernels(op: string): readonly KernelRegistration[] {
    return this.byOp.get(op) ?? [];
  }

  /**
   * The kernel that a node runs on a device: one of the device itself, else one for every device, of the highest priority
   * among those whose constraints its types meet. Undefined where there is none.
   *
   * @param types the node's type attributes, all of them.
   */
  find(
    op: string,
    types: Readonly<Record<string, number>>,
    device: DeviceType,
  ): KernelRegistration | undefined {
    for (const wanted of [device, ANY_DEVICE]) {
      const [best] = this.kernels(op)
        .filter((kernel) => kernel.device === wanted && kernel.label === '' && admits(kernel, types))
        .sort((a, b) => b.priority - a.priority);
      if (best !== undefined) return best;
    }
    return undefined;
  }
}

/** An attribute that a node leaves out meets no constraint: recorded nodes name all of theirs. */
function admits({ constraints }: KernelRegistration, types: Readonly<Record<string, number>>): boolean {
  return constraints.every(({ attribute, types: allowed }) => {
    const type = types[attribute];
    return type !== undefined && allowed.includes(type);
  });
}
