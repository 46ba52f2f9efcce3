// Reverse-mode automatic differentiation: the tape, and how operations register their gradients on it.

import type { Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../runtime/kernels.js';

/** Computes the gradient of one input from the gradient of the output; may itself use differentiable operations. */
export type Pullback = (dy: Tensor) => Tensor;

/** A gradient for each tensor of a list; undefined for a tensor that no gradient reaches. */
export type Gradients = readonly (Tensor | undefined)[];

/** Computes the gradients of the `wanted` inputs from those of the outputs, of which at least one is defined. */
export type JointPullback = (dys: Gradients, wanted: readonly boolean[]) => Gradients;

interface TapeNode {
  inputs: readonly Tensor[];
  outputs: readonly Tensor[];
  pullback: JointPullback;
}

/** The tapes that are recording. */
let active: readonly Tape[] = [];

function withTapes<T>(tapes: readonly Tape[], fn: () => T): T {
  const previous = active;
  active = tapes;
  try {
    return fn();
  } finally {
    active = previous;
  }
}

/** Runs `fn` while no tape records: its results are constants to all tapes. */
export function unrecorded<T>(fn: () => T): T {
  return withTapes([], fn);
}

/**
 * Records differentiable operations on the tensors that it watches and on tensors computed from them; everything else is a
 * constant to it. Several tapes take turns in one step: the generators' tape sees the discriminators' weights as
 * constants, and the discriminators' tape sees the translations as constants, so nothing has to be detached.
 *
 * Gradients may be taken while recording, as R1 does; the tape then records them too, to any order. The tape owns no
 * memory; the tensors belong to the `tf.tidy` around the step.
 */
export class Tape {
  private readonly nodes: TapeNode[] = [];
  private readonly tracked = new Set<number>();

  constructor(watched: Iterable<Tensor>) {
    for (const tensor of watched) this.tracked.add(tensor.id);
  }

  /** Runs `fn` while this tape records; of nested tapes, only the innermost records. */
  record<T>(fn: () => T): T {
    return withTapes([this], fn);
  }

  /** Runs `fn` while this tape records beside those that record already. */
  recordToo<T>(fn: () => T): T {
    return withTapes([...active, this], fn);
  }

  /** Every differentiable operation calls this; the tape keeps operations that depend on a watched tensor. */
  push(node: TapeNode): void {
    if (!node.inputs.some((input) => this.tracked.has(input.id))) return;
    for (const output of node.outputs) this.tracked.add(output.id);
    this.nodes.push(node);
  }

  /**
   * Gradients of the scalar `y` with respect to `xs`, in their order and shapes.
   *
   * @throws RangeError if `y` does not depend on one of `xs`: a loss that misses a parameter is a bug.
   */
  gradients(y: Tensor, xs: readonly Tensor[]): Tensor[] {
    return this.gradientsFrom([y], [kernels().fill(y.shape, 1)], xs).map((gradient, k) => {
      if (gradient === undefined)
        throw new RangeError(`y does not depend on x number ${k} of shape [${xs[k]!.shape}]`);
      return gradient;
    });
  }

  /**
   * Propagates the gradients `dys` of the tensors `ys` to `xs`: the gradients of the sum of all `<y, dy>`. Undefined for an
   * x that no y depends on.
   */
  gradientsFrom(
    ys: readonly Tensor[],
    dys: readonly Tensor[],
    xs: readonly Tensor[],
  ): (Tensor | undefined)[] {
    const path = this.pathBetween(xs, ys);
    const partials = new Map<number, Tensor[]>();
    const accumulate = (tensor: Tensor, partial: Tensor): void => {
      assertSameShape(partial, tensor);
      const terms = partials.get(tensor.id);
      if (terms === undefined) partials.set(tensor.id, [partial]);
      else terms.push(partial);
    };
    ys.forEach((y, i) => {
      accumulate(y, dys[i]!);
    });
    for (let i = path.nodes.length - 1; i >= 0; i--) {
      const { inputs, outputs, pullback } = path.nodes[i]!;
      const arrived = outputs.map(({ id }) => partials.get(id));
      if (arrived.every((terms) => terms === undefined)) continue;
      for (const { id } of outputs) if (!path.targets.has(id)) partials.delete(id);
      const wanted = inputs.map(({ id }) => path.fromTargets.has(id));
      const dy = arrived.map((terms) => terms && addTogether(terms));
      pullback(dy, wanted).forEach((partial, k) => {
        if (partial !== undefined) accumulate(inputs[k]!, partial);
      });
    }
    return xs.map((x) => {
      const arrived = partials.get(x.id);
      return arrived && addTogether(arrived);
    });
  }

  /** The recorded operations on the paths from `xs` to `ys`, with the ids of the tensors on them. */
  private pathBetween(xs: readonly Tensor[], ys: readonly Tensor[]) {
    const targets = new Set(xs.map((x) => x.id));
    const fromTargets = new Set(targets);
    const missing = new Set(ys.map((y) => y.id));
    const nodes: TapeNode[] = [];
    for (const node of this.nodes) {
      if (!node.inputs.some((input) => fromTargets.has(input.id))) continue;
      nodes.push(node);
      for (const { id } of node.outputs) {
        fromTargets.add(id);
        missing.delete(id);
      }
      if (missing.size === 0) break;
    }
    return { nodes, targets, fromTargets };
  }
}

/**
 * Registers `output` as computed from `inputs`, with one pullback for each input, on all recording tapes. Every
 * differentiable operation of the project goes through here.
 */
export function differentiable<T extends Tensor>(
  inputs: readonly Tensor[],
  output: T,
  pullbacks: readonly Pullback[],
): T {
  const pullback: JointPullback = ([dy], wanted) =>
    pullbacks.map((pull, k) => (wanted[k] ? pull(dy!) : undefined));
  register({ inputs, outputs: [output], pullback });
  return output;
}

/** `differentiable` for operations with several outputs, or with one computation for all gradients. */
export function differentiableJointly(
  inputs: readonly Tensor[],
  outputs: Tensor[],
  pullback: JointPullback,
): Tensor[] {
  register({ inputs, outputs, pullback });
  return outputs;
}

function register(node: TapeNode): void {
  for (const tape of active) tape.push(node);
}

/** The sum of tensors of one shape, by one kernel. */
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
