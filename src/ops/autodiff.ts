import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';

/** Gives the gradient of one input from the gradient of the output; may itself use differentiable operations. */
export type Pullback = (dy: Tensor) => Tensor;

interface TapeNode {
  inputs: readonly Tensor[];
  output: Tensor;
  pullbacks: readonly Pullback[];
}

let activeTape: Tape | null = null;

/**
 * Records differentiable operations on the tensors that it watches and on what is computed from them; everything else
 * is a constant to it. Several tapes take turns in one step: the generator's tape sees the discriminator's weights as
 * constants, and the discriminator's tape sees the generated pictures as constants, so nothing has to be detached.
 *
 * Gradients may be taken while recording (as R1 does): they are then recorded too, to any order. The tape holds no
 * memory of its own; the tensors belong to the `tf.tidy` around the step.
 */
export class Tape {
  private readonly nodes: TapeNode[] = [];
  private readonly tracked = new Set<number>();

  constructor(watched: Iterable<Tensor>) {
    for (const tensor of watched) this.tracked.add(tensor.id);
  }

  /** Runs `fn` with this tape recording; tapes may be nested, the innermost one records. */
  record<T>(fn: () => T): T {
    const outer = activeTape;
    activeTape = this;
    try {
      return fn();
    } finally {
      activeTape = outer;
    }
  }

  /** Called by every differentiable operation; keeps what leads from a watched tensor. */
  push(node: TapeNode): void {
    if (!node.inputs.some((input) => this.tracked.has(input.id))) return;
    this.tracked.add(node.output.id);
    this.nodes.push(node);
  }

  /**
   * Gradients of the scalar `y` with respect to `xs`, in their order and shapes.
   *
   * @throws RangeError where `y` does not depend on one of `xs`: a loss that forgets a parameter is a defect.
   */
  gradients(y: Tensor, xs: readonly Tensor[]): Tensor[] {
    const path = this.pathBetween(xs, y);
    const partials = new Map<number, Tensor[]>([[y.id, [kernels().fill(y.shape, 1)]]]);
    for (let i = path.nodes.length - 1; i >= 0; i--) {
      const node = path.nodes[i]!;
      const arrived = partials.get(node.output.id);
      if (arrived === undefined) continue;
      if (!path.targets.has(node.output.id)) partials.delete(node.output.id);
      const dy = addTogether(arrived);
      node.inputs.forEach((input, k) => {
        if (!path.fromTargets.has(input.id)) return;
        const partial = node.pullbacks[k]!(dy);
        assertSameShape(partial, input);
        const sum = partials.get(input.id);
        if (sum === undefined) partials.set(input.id, [partial]);
        else sum.push(partial);
      });
    }
    return xs.map((x, k) => {
      const arrived = partials.get(x.id);
      if (arrived === undefined)
        throw new RangeError(`y does not depend on x number ${k} of shape [${x.shape}]`);
      return addTogether(arrived);
    });
  }

  /** The recorded operations on the way from `xs`, with the ids of the tensors on it. */
  private pathBetween(xs: readonly Tensor[], y: Tensor) {
    const targets = new Set(xs.map((x) => x.id));
    const fromTargets = new Set(targets);
    const nodes: TapeNode[] = [];
    for (const node of this.nodes) {
      if (!node.inputs.some((input) => fromTargets.has(input.id))) continue;
      fromTargets.add(node.output.id);
      nodes.push(node);
      if (node.output.id === y.id) break;
    }
    return { nodes, targets, fromTargets };
  }
}

/**
 * Registers `output` as computed from `inputs`, with one pullback for each input, on the recording tape, if there is
 * one. This is how every operation of the project becomes differentiable.
 */
export function differentiable<T extends Tensor>(
  inputs: readonly Tensor[],
  output: T,
  pullbacks: readonly Pullback[],
): T {
  activeTape?.push({ inputs, output, pullbacks });
  return output;
}

/** The sum of tensors of one shape; one kernel for any number of them. */
export function addTogether(terms: readonly Tensor[]): Tensor {
  if (terms.length === 1) return terms[0]!;
  return differentiable(
    terms,
    kernels().addN(terms),
    terms.map(() => (dy: Tensor) => dy),
  );
}

function assertSameShape(gradient: Tensor, input: Tensor): void {
  if (gradient.shape.length === input.shape.length && gradient.shape.every((n, i) => n === input.shape[i]))
    return;
  throw new RangeError(`gradient of shape [${gradient.shape}] for a tensor of shape [${input.shape}]`);
}
