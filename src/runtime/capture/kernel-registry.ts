// The kernels of a build of TensorFlow, and the one that a graph's node runs on.
import { readFields, readPacked, type WireField } from '../../base/protobuf.js';

/** Kinds of device that kernels exist for. */
export type DeviceType = 'CPU' | 'GPU';

/** The device of kernels that serve every device without a kernel of its own. */
const ANY_DEVICE = 'DEFAULT';

/** A kernel as TensorFlow's registry describes it (tensorflow/core/framework/kernel_def.proto). */
export interface KernelRegistration {
  op: string;
  /** `CPU`, `GPU`, `DEFAULT`, `XLA_GPU_JIT`, ... */
  device: string;
  /** The allowed types of attributes. */
  constraints: readonly { attribute: string; types: readonly number[] }[];
  /** Names of the inputs and outputs that are in the host's memory on every device. */
  hostMemory: readonly string[];
  /** A kernel with a label serves only nodes that ask for the label. */
  label: string;
  priority: number;
}

/** Field numbers of the messages. */
const KERNEL_LIST = { kernel: 1 } as const;
const KERNEL_DEF = { op: 1, device: 2, constraint: 3, hostMemory: 4, label: 5, priority: 6 } as const;
const CONSTRAINT = { name: 1, allowed: 2 } as const;
const ATTR_VALUE = { list: 1 } as const;
const LIST_VALUE = { type: 6 } as const;

/** Parses a serialized `KernelList`. @throws RangeError if the bytes are something else. */
export function parseKernelList(bytes: Uint8Array): KernelRegistration[] {
  return messagesOf(readFields(bytes), KERNEL_LIST.kernel).map((kernel) => {
    const fields = readFields(kernel);
    const priority = fields.find(({ field }) => field === KERNEL_DEF.priority)?.value ?? 0;
    if (typeof priority !== 'number')
      throw new RangeError('a kernel list with a priority that is not a number');
    return {
      op: textOf(fields, KERNEL_DEF.op),
      device: textOf(fields, KERNEL_DEF.device),
      constraints: messagesOf(fields, KERNEL_DEF.constraint).map((constraint) => {
        const constraintFields = readFields(constraint);
        return {
          attribute: textOf(constraintFields, CONSTRAINT.name),
          types: allowedTypes(constraintFields),
        };
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

/** Finds kernels as TensorFlow's placer does. */
export class KernelRegistry {
  private readonly byOp = new Map<string, KernelRegistration[]>();

  /** @param bytes a `KernelList` from `TF_GetAllRegisteredKernels`. @throws RangeError if it is something else. */
  constructor(bytes: Uint8Array) {
    for (const kernel of parseKernelList(bytes)) {
      const known = this.byOp.get(kernel.op);
      if (known === undefined) this.byOp.set(kernel.op, [kernel]);
      else known.push(kernel);
    }
  }

  /** All kernels of an operation, for all devices and types. */
  kernels(op: string): readonly KernelRegistration[] {
    return this.byOp.get(op) ?? [];
  }

  /**
   * The kernel that a node runs on a device: one for the device itself, else one for every device, with the highest
   * priority among those that allow its types. Undefined if there is none.
   *
   * @param types all type attributes of the node.
   */
  find(
    op: string,
    types: Readonly<Record<string, number>>,
    device: DeviceType,
  ): KernelRegistration | undefined {
    for (const candidate of [device, ANY_DEVICE]) {
      const [best] = this.kernels(op)
        .filter((kernel) => kernel.device === candidate && kernel.label === '' && admits(kernel, types))
        .sort((a, b) => b.priority - a.priority);
      if (best !== undefined) return best;
    }
    return undefined;
  }
}

/** An attribute that a node does not have meets no constraint: recorded nodes have all of theirs. */
function admits({ constraints }: KernelRegistration, types: Readonly<Record<string, number>>): boolean {
  return constraints.every(({ attribute, types: allowed }) => {
    const type = types[attribute];
    return type !== undefined && allowed.includes(type);
  });
}
