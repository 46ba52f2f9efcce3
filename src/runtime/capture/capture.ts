// Functions over tensors as programs of one TensorFlow graph, with variables that live in its session.
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../native-kernels.js';
import { type FeedSpec, type GraphCall, GraphSession, type HostValues } from '../session.js';
import { Graph, graphAttribute } from './graph.js';
import { dtypeCode, type Precision, Recorder, type TensorSpec } from './recorder.js';

export type { HostValues } from '../session.js';
export type { Activations, Arithmetic, Precision, TensorSpec } from './recorder.js';

/** A function over tensors that becomes one session call. */
export interface Program {
  inputs: Readonly<Record<string, TensorSpec>>;
  /** In place of that of all programs. */
  precision?: Precision;
  /**
   * Called once, while recording: the tensors have shapes and no values. `assign` gives variables new values, all of
   * them taking effect after everything has been read.
   */
  run(
    variables: Readonly<Record<string, Tensor>>,
    inputs: Readonly<Record<string, Tensor>>,
  ): { outputs: Record<string, Tensor>; assign?: Record<string, Tensor> };
}

interface Endpoint {
  inputs: Record<string, { node: string; spec: TensorSpec }>;
  outputs: Record<string, string>;
}

function variableNodes(graph: Graph, name: string, index: number, { shape, dtype }: TensorSpec) {
  const type = graphAttribute.type(dtypeCode(dtype));
  const handle = graph.add(
    'VarHandleOp',
    [],
    {
      dtype: type,
      shape: graphAttribute.shape(shape),
      shared_name: graphAttribute.string(name),
      container: graphAttribute.string(''),
    },
    `variable${index}`,
  );
  const fed = graph.add(
    'Placeholder',
    [],
    { dtype: type, shape: graphAttribute.shape(shape) },
    `${handle}_value`,
  );
  const assign = graph.add('AssignVariableOp', [handle, fed], { dtype: type }, `${handle}_assign`);
  const read = graph.add('ReadVariableOp', [handle], { dtype: type }, `${handle}_read`);
  return { handle, fed, assign, read, type };
}

function recordProgram(
  graph: Graph,
  backend: TensorflowBackend,
  name: string,
  program: Program,
  variables: Record<string, { spec: TensorSpec; nodes: ReturnType<typeof variableNodes> }>,
  precision: Precision,
): Endpoint {
  const recorder = new Recorder(graph, backend, precision);
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([key, spec]) => {
      const attributes = {
        dtype: graphAttribute.type(dtypeCode(spec.dtype)),
        shape: graphAttribute.shape(spec.shape),
      };
      return [key, { node: graph.add('Placeholder', [], attributes, `${name}_${key}`), spec }];
    }),
  );
  // Reads of its own for each program: another program's have nothing to do with its order.
  const reads = Object.fromEntries(
    Object.entries(variables).map(([key, { nodes }]) => [
      key,
      graph.add('ReadVariableOp', [nodes.handle], { dtype: nodes.type }),
    ]),
  );
  const outputs: Record<string, string> = {};
  recorder.record(() => {
    const variableSymbols = Object.fromEntries(
      Object.entries(variables).map(([key, { spec }]) => [key, recorder.symbol(reads[key]!, spec)]),
    );
    const inputSymbols = Object.fromEntries(
      Object.entries(inputs).map(([key, { node, spec }]) => [key, recorder.symbol(node, spec)]),
    );
    const result = program.run(variableSymbols, inputSymbols);
    const assignments = Object.entries(result.assign ?? {}).map(([key, tensor]) => {
      const variable = variables[key];
      if (variable === undefined)
        throw new RangeError(`program ${name} assigns '${key}', which is no variable`);
      if (tensor.shape.join() !== variable.spec.shape.join())
        throw new RangeError(
          `program ${name} gives '${key}' the shape [${tensor.shape}], not [${variable.spec.shape}]`,
        );
      const { handle, type } = variable.nodes;
      // After the one read that everything in this program uses, even where the new value does not come from it.
      const assigned = [handle, recorder.sourceOf(tensor), `^${reads[key]}`];
      return `^${graph.add('AssignVariableOp', assigned, { dtype: type })}`;
    });
    for (const [key, tensor] of Object.entries(result.outputs)) {
      const type = graphAttribute.type(dtypeCode(tensor.dtype));
      outputs[key] = graph.add('Identity', [recorder.sourceOf(tensor), ...assignments], { T: type });
    }
  });
  return { inputs, outputs };
}

/** A variable's nodes: the value that it is given, the assignment, and its value. */
interface VariableNodes {
  spec: TensorSpec;
  fed: string;
  assign: string;
  read: string;
}

const feedSpec = (node: string, { shape, dtype }: TensorSpec): FeedSpec => ({
  node,
  shape,
  dtype: dtypeCode(dtype),
});

function checkSize(name: string, { shape }: TensorSpec, values: HostValues | undefined): HostValues {
  const size = shape.reduce((a, b) => a * b, 1);
  if (values?.length === size) return values;
  throw new RangeError(`'${name}' takes ${size} values of [${shape}], not ${values?.length ?? 'none'}`);
}

/** Several programs over one set of variables, loaded as one TensorFlow session. Free it with `dispose`. */
export class CapturedPrograms<P extends string = string> {
  /** Nodes of the whole graph. */
  readonly nodes: number;
  /** Nodes that each program runs. */
  readonly kernels: Readonly<Record<P, number>>;
  private readonly variables: Record<string, VariableNodes>;
  private readonly endpoints: Record<P, Endpoint>;
  private readonly session: GraphSession;
  /** Made when a program first runs: TensorFlow prepares its part of the graph then. */
  private readonly calls = new Map<string, GraphCall>();

  /** Use `capture`. */
  constructor(graph: Graph, variables: Record<string, VariableNodes>, endpoints: Record<P, Endpoint>) {
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

  /** Runs a program and gives its outputs on the host. @throws RunError where TensorFlow fails. */
  run(program: P, inputs: Readonly<Record<string, HostValues>>): Record<string, HostValues> {
    return this.named(program, this.call(program).run(this.feeds(program, inputs)));
  }

  /** As `run`, on another thread: the event loop goes on, and `inputs` may be changed at once. */
  async runAsync(
    program: P,
    inputs: Readonly<Record<string, HostValues>>,
  ): Promise<Record<string, HostValues>> {
    return this.named(program, await this.call(program).runAsync(this.feeds(program, inputs)));
  }

  /** Gives variables new values; all of them must be given before the first run. */
  write(values: Readonly<Record<string, HostValues>>): void {
    const given = Object.entries(values).map(([name, array]) => {
      const { spec, fed, assign } = this.variable(name);
      return { feed: feedSpec(fed, spec), assign, array: checkSize(name, spec, array) };
    });
    const call = this.session.callable(
      given.map(({ feed }) => feed),
      [],
      given.map(({ assign }) => assign),
    );
    try {
      call.run(given.map(({ array }) => array));
    } finally {
      call.release();
    }
  }

  /** Values of the variables (all by default). */
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

  /** Frees the session with its variables; nothing may be called after it but `dispose`. */
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
 * Turns functions over tensors into programs that each run as one TensorFlow session call, with variables that live in
 * the session. Recording computes nothing and needs no memory beyond the graph. Works on the native backend only.
 *
 * @param precision `arithmetic: 'bfloat16'` rounds what convolutions multiply, and their results, to bfloat16; with
 *   `activations: 'bfloat16'` too, feature maps stay in it from one convolution to the next.
 * @throws RangeError naming an operation without a shape rule, or a variable that a program gives another shape; RunError
 *   where TensorFlow refuses the graph.
 */
export function capture<P extends string>(
  programs: Readonly<Record<P, Program>>,
  variables: Readonly<Record<string, TensorSpec>>,
  precision: Precision = {},
): CapturedPrograms<P> {
  const backend = tf.backend() as unknown as TensorflowBackend;
  const graph = new Graph();
  const nodes = Object.fromEntries(
    Object.entries(variables).map(([name, spec], i) => [
      name,
      { spec, nodes: variableNodes(graph, `variable${i}`, i, spec) },
    ]),
  );
  const endpoints = Object.fromEntries(
    Object.entries<Program>(programs).map(([name, program]) => [
      name,
      recordProgram(graph, backend, name, program, nodes, program.precision ?? precision),
    ]),
  ) as Record<P, Endpoint>;
  const held = Object.fromEntries(
    Object.entries(nodes).map(([name, { spec, nodes: made }]) => [
      name,
      { spec, fed: made.fed, assign: made.assign, read: made.read },
    ]),
  );
  // Such as variables that a program has no use for: every node costs time when the session loads and first runs.
  graph.prune([
    ...Object.values(held).flatMap(({ fed, assign, read }) => [fed, assign, read]),
    ...Object.values<Endpoint>(endpoints).flatMap(({ inputs, outputs }) => [
      ...Object.values(inputs).map(({ node }) => node),
      ...Object.values(outputs),
    ]),
  ]);
  return new CapturedPrograms(graph, held, endpoints);
}
