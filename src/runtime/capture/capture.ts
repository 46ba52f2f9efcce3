// Runs functions over tensors as programs of one TensorFlow graph, with variables in its session.
import { typeCode } from '../data-types.js';
import { type FeedSpec, type GraphCall, GraphSession, type HostValues } from '../session.js';
import {
  type Endpoint,
  type Program,
  type RecordedPrograms,
  recordGraph,
  type VariableNodes,
} from './record.js';
import type { Precision, TensorSpec } from './recorder.js';

export type { HostValues } from '../session.js';
export type { Program } from './record.js';
export type { Activations, Arithmetic, Precision, TensorSpec } from './recorder.js';

const feedSpec = (node: string, { shape, dtype }: TensorSpec): FeedSpec => ({
  node,
  shape,
  dtype: typeCode(dtype),
});

function checkSize(name: string, { shape }: TensorSpec, values: HostValues | undefined): HostValues {
  const size = shape.reduce((a, b) => a * b, 1);
  if (values?.length === size) return values;
  throw new RangeError(`'${name}' takes ${size} values of shape [${shape}], not ${values?.length ?? 'none'}`);
}

/** Several programs over one set of variables, loaded as one TensorFlow session. Free it with `dispose`. */
export class CapturedPrograms<P extends string = string> {
  /** Number of nodes in the whole graph. */
  readonly nodes: number;
  /** Number of nodes that each program runs. */
  readonly kernels: Readonly<Record<P, number>>;
  private readonly variables: Record<string, VariableNodes>;
  private readonly endpoints: Record<P, Endpoint>;
  private readonly session: GraphSession;
  /** Prepared when a program first runs, which is when TensorFlow prepares its part of the graph. */
  private readonly calls = new Map<string, GraphCall>();

  /** Use `capture`. */
  constructor({ graph, variables, endpoints }: RecordedPrograms<P>) {
    this.nodes = graph.size;
    this.kernels = Object.fromEntries(
      Object.entries<Endpoint>(endpoints).map(([name, { outputs }]) => [
        name,
        graph.countKernels(Object.values(outputs)),
      ]),
    ) as Record<P, number>;
    this.variables = variables;
    this.endpoints = endpoints;
    this.session = new GraphSession(graph.serialize());
  }

  /** Runs a program and returns its outputs on the host. @throws RunError if TensorFlow fails. */
  run(program: P, inputs: Readonly<Record<string, HostValues>>): Record<string, HostValues> {
    return this.named(program, this.call(program).run(this.feeds(program, inputs)));
  }

  /** Runs a program on another thread; the caller may change `inputs` at once. @throws RunError if TensorFlow fails. */
  async runAsync(
    program: P,
    inputs: Readonly<Record<string, HostValues>>,
  ): Promise<Record<string, HostValues>> {
    return this.named(program, await this.call(program).runAsync(this.feeds(program, inputs)));
  }

  /** Sets variables. All of them must be set before the first run. */
  write(values: Readonly<Record<string, HostValues>>): void {
    const writes = Object.entries(values).map(([name, array]) => {
      const { spec, fed, assign } = this.variable(name);
      return { feed: feedSpec(fed, spec), assign, array: checkSize(name, spec, array) };
    });
    const call = this.session.callable(
      writes.map(({ feed }) => feed),
      [],
      writes.map(({ assign }) => assign),
    );
    try {
      call.run(writes.map(({ array }) => array));
    } finally {
      call.release();
    }
  }

  /** Reads variables, all by default. */
  read(names: readonly string[] = Object.keys(this.variables)): Record<string, HostValues> {
    const call = this.session.callable(
      [],
      names.map((name) => this.variable(name).read),
    );
    try {
      const values = call.run([]);
      return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    } finally {
      call.release();
    }
  }

  /** Frees the session with its variables. Afterwards only `dispose` may be called. */
  dispose(): void {
    this.session.dispose();
  }

  private variable(name: string): VariableNodes {
    const variable = this.variables[name];
    if (variable === undefined) throw new RangeError(`there is no variable '${name}'`);
    return variable;
  }

  private call(program: P): GraphCall {
    let call = this.calls.get(program);
    if (call === undefined) {
      const { inputs, outputs } = this.endpoints[program];
      const feeds = Object.values(inputs).map(({ node, spec }) => feedSpec(node, spec));
      call = this.session.callable(feeds, Object.values(outputs));
      this.calls.set(program, call);
    }
    return call;
  }

  private feeds(program: P, inputs: Readonly<Record<string, HostValues>>): HostValues[] {
    return Object.entries(this.endpoints[program].inputs).map(([name, { spec }]) =>
      checkSize(name, spec, inputs[name]),
    );
  }

  private named(program: P, values: readonly HostValues[]): Record<string, HostValues> {
    const names = Object.keys(this.endpoints[program].outputs);
    return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  }
}

/**
 * Turns functions over tensors into programs that each run as one TensorFlow session call, with variables that stay in
 * the session. Recording computes nothing and needs no memory beyond the graph. Works on the native backend only.
 *
 * @param precision `arithmetic: 'bfloat16'` rounds the operands and results of convolutions to bfloat16; with
 *   `activations: 'bfloat16'`, feature maps also stay in it between convolutions.
 * @throws RangeError naming an operation without a shape rule, or a variable to which a program assigns another shape;
 *   RunError if TensorFlow rejects the graph.
 */
export function capture<P extends string>(
  programs: Readonly<Record<P, Program>>,
  variables: Readonly<Record<string, TensorSpec>>,
  precision: Precision = {},
): CapturedPrograms<P> {
  return new CapturedPrograms(recordGraph(programs, variables, precision));
}
