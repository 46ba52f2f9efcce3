import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RunError } from '../../errors.js';
import type { TensorflowBackend } from '../native-kernels.js';
import { GRAPH_TAG, Graph, graphAttribute } from './graph.js';
import { dtypeCode, type Precision, Recorder, type TensorSpec } from './recorder.js';
import { DT_FLOAT } from './shape-rules.js';

export type { Activations, Arithmetic, Precision, TensorSpec } from './recorder.js';

/** Values on the host. */
export type HostValues = Float32Array | Int32Array;

/** A function over tensors that becomes one session call. */
export interface Program {
  inputs: Readonly<Record<string, TensorSpec>>;
  /**
   * Called once, while recording: the tensors have shapes and no values. `assign` gives variables new values, all of
   * them taking effect after everything has been read.
   */
  run(
    variables: Readonly<Record<string, Tensor>>,
    inputs: Readonly<Record<string, Tensor>>,
  ): { outputs: Record<string, Tensor>; assign?: Record<string, Tensor> };
}

/** The addon's calls that load and run graphs. */
interface SessionBinding {
  loadSavedModel(dir: string, tags: string): number;
  runSavedModel(session: number, inputs: number[], inputNames: string, outputNames: string): { id: number }[];
  deleteSavedModel(session: number): void;
  createTensor(shape: readonly number[], dtype: number, values: HostValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): HostValues;
}

interface Endpoint {
  inputs: Record<string, { node: string; spec: TensorSpec }>;
  outputs: Record<string, string>;
}

const INITIALISED = 'initialised';

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
  // A copy: what is fed may be JavaScript's memory, which the variable would give back on a thread of TensorFlow's.
  const copied = graph.add('DeepCopy', [fed], { T: type });
  const assigned = graph.add('AssignVariableOp', [handle, copied], { dtype: type }, `${handle}_assign`);
  // Sessions fetch tensors only: a constant that comes after the assignment stands for it.
  const done = graph.add(
    'Const',
    [`^${assigned}`],
    {
      dtype: graphAttribute.type(DT_FLOAT),
      value: graphAttribute.tensor(DT_FLOAT, [], new Uint8Array(Float32Array.of(1).buffer)),
    },
    `${handle}_${INITIALISED}`,
  );
  const read = graph.add('ReadVariableOp', [handle], { dtype: type }, `${handle}_read`);
  return { handle, fed, done, read, type };
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

/** Hands a graph over to TensorFlow, which takes files only. @throws RunError where it cannot be written or loaded. */
function loadGraph(binding: SessionBinding, graph: Graph): number {
  let dir: string | undefined;
  try {
    try {
      dir = mkdtempSync(join(tmpdir(), 'gnr-graph-'));
      writeFileSync(join(dir, 'saved_model.pb'), graph.serialize());
    } catch (error) {
      throw new RunError(
        `Cannot write the graph of the captured programs into ${tmpdir()}: ${messageOf(error)}; ` +
          'free some space there, or let TMPDIR name another folder.',
        { cause: error },
      );
    }
    return loadSession(binding, dir);
  } finally {
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  }
}

function loadSession(binding: SessionBinding, dir: string): number {
  try {
    return binding.loadSavedModel(dir, GRAPH_TAG);
  } catch (error) {
    throw new RunError(`TensorFlow could not load the captured programs: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Several programs over one set of variables, loaded as one TensorFlow session. Free it with `dispose`. */
export class CapturedPrograms<P extends string = string> {
  /** Nodes of the whole graph. */
  readonly nodes: number;
  /** Nodes that each program runs. */
  readonly kernels: Readonly<Record<P, number>>;
  private readonly binding: SessionBinding;
  private readonly variables: Record<string, { spec: TensorSpec; fed: string; done: string; read: string }>;
  private readonly endpoints: Record<P, Endpoint>;
  private session: number | undefined;

  /** Use `capture`. */
  constructor(
    binding: SessionBinding,
    graph: Graph,
    variables: Record<string, { spec: TensorSpec; fed: string; done: string; read: string }>,
    endpoints: Record<P, Endpoint>,
  ) {
    this.binding = binding;
    this.nodes = graph.size;
    this.kernels = Object.fromEntries(
      Object.entries<Endpoint>(endpoints).map(([name, { outputs }]) => [
        name,
        graph.countKernels(Object.values(outputs)),
      ]),
    ) as Record<P, number>;
    this.variables = variables;
    this.endpoints = endpoints;
    this.session = loadGraph(binding, graph);
  }

  /** Runs a program and gives its outputs on the host. @throws RunError where TensorFlow fails. */
  run(program: P, inputs: Readonly<Record<string, HostValues>>): Record<string, HostValues> {
    const endpoint = this.endpoints[program];
    const fed = Object.entries(endpoint.inputs).map(([name, { node, spec }]) => ({
      name,
      node,
      spec,
      values: inputs[name],
    }));
    const values = this.call(fed, Object.values(endpoint.outputs));
    return Object.fromEntries(Object.keys(endpoint.outputs).map((name, i) => [name, values[i]!]));
  }

  /** Gives variables new values; all of them must be given before the first run. */
  write(values: Readonly<Record<string, HostValues>>): void {
    const fed = Object.entries(values).map(([name, given]) => {
      const variable = this.variables[name];
      if (variable === undefined) throw new RangeError(`there is no variable '${name}'`);
      return { name, node: variable.fed, spec: variable.spec, values: given, done: variable.done };
    });
    this.call(
      fed,
      fed.map(({ done }) => done),
    );
  }

  /** Values of the variables (all where left out). */
  read(names: readonly string[] = Object.keys(this.variables)): Record<string, HostValues> {
    const nodes = names.map((name) => {
      const variable = this.variables[name];
      if (variable === undefined) throw new RangeError(`there is no variable '${name}'`);
      return variable.read;
    });
    const values = this.call([], nodes);
    return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  }

  /** Frees the session with its variables; nothing may be called after it but `dispose`. */
  dispose(): void {
    if (this.session !== undefined) this.binding.deleteSavedModel(this.session);
    this.session = undefined;
  }

  private call(
    fed: readonly { name: string; node: string; spec: TensorSpec; values: HostValues | undefined }[],
    fetched: readonly string[],
  ): HostValues[] {
    if (this.session === undefined) throw new RangeError('the captured programs were disposed');
    const ids: number[] = [];
    let results: { id: number }[] = [];
    try {
      for (const { name, spec, values } of fed) {
        const size = spec.shape.reduce((a, b) => a * b, 1);
        if (values?.length !== size)
          throw new RangeError(
            `'${name}' takes ${size} values of [${spec.shape}], not ${values?.length ?? 'none'}`,
          );
        ids.push(this.binding.createTensor(spec.shape, dtypeCode(spec.dtype), values));
      }
      const inputNames = fed.map(({ node }) => node).join();
      results = this.binding.runSavedModel(this.session, ids, inputNames, fetched.join());
      return results.map(({ id }) => this.binding.tensorDataSync(id));
    } catch (error) {
      if (error instanceof RangeError) throw error;
      throw new RunError(`TensorFlow could not run the captured program: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      for (const id of ids) this.binding.deleteTensor(id);
      for (const { id } of results) this.binding.deleteTensor(id);
    }
  }
}

/**
 * Turns functions over tensors into programs that each run as one TensorFlow session call, with variables that live in
 * the session. Recording computes nothing and needs no memory beyond the graph. Works on the native backend only.
 *
 * @param precision `arithmetic: 'bfloat16'` rounds what convolutions multiply, and their results, to bfloat16; with
 *   `activations: 'bfloat16'` too, feature maps stay in it from one convolution to the next.
 * @throws RangeError naming an operation without a shape rule, or a variable that a program gives another shape; RunError
 *   where the temporary folder has no room for the graph.
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
      recordProgram(graph, backend, name, program, nodes, precision),
    ]),
  ) as Record<P, Endpoint>;
  const held = Object.fromEntries(
    Object.entries(nodes).map(([name, { spec, nodes: made }]) => [
      name,
      { spec, fed: made.fed, done: made.done, read: made.read },
    ]),
  );
  // Such as variables that a program has no use for: every node costs time when the session loads and first runs.
  graph.prune([
    ...Object.values(held).flatMap(({ fed, done, read }) => [fed, done, read]),
    ...Object.values<Endpoint>(endpoints).flatMap(({ inputs, outputs }) => [
      ...Object.values(inputs).map(({ node }) => node),
      ...Object.values(outputs),
    ]),
  ]);
  return new CapturedPrograms(backend.binding as unknown as SessionBinding, graph, held, endpoints);
}
