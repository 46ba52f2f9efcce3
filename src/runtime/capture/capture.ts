import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf, RunError } from '../../errors.js';
import type { TensorflowBackend } from '../native-kernels.js';
import { GRAPH_TAG, type Graph } from './graph.js';
import {
  type Endpoint,
  type Program,
  type RecordedPrograms,
  recordGraph,
  type VariableNodes,
} from './record.js';
import { type Arithmetic, dtypeCode, type TensorSpec } from './recorder.js';

export type { Program } from './record.js';
export type { Arithmetic, TensorSpec } from './recorder.js';

/** Values on the host. */
export type HostValues = Float32Array | Int32Array;

/** The addon's calls that load and run graphs. */
interface SessionBinding {
  loadSavedModel(dir: string, tags: string): number;
  runSavedModel(session: number, inputs: number[], inputNames: string, outputNames: string): { id: number }[];
  deleteSavedModel(session: number): void;
  createTensor(shape: readonly number[], dtype: number, values: HostValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): HostValues;
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
  private readonly variables: Record<string, VariableNodes>;
  private readonly endpoints: Record<P, Endpoint>;
  private session: number | undefined;

  /** Use `capture`. */
  constructor(binding: SessionBinding, { graph, variables, endpoints }: RecordedPrograms<P>) {
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
 * @param options `arithmetic: 'bfloat16'` rounds what convolutions multiply, and their results, to bfloat16.
 * @throws RangeError naming an operation without a shape rule, or a variable that a program gives another shape; RunError
 *   where the temporary folder has no room for the graph.
 */
export function capture<P extends string>(
  programs: Readonly<Record<P, Program>>,
  variables: Readonly<Record<string, TensorSpec>>,
  options: { arithmetic?: Arithmetic } = {},
): CapturedPrograms<P> {
  const { binding } = tf.backend() as unknown as TensorflowBackend;
  return new CapturedPrograms(
    binding as unknown as SessionBinding,
    recordGraph(programs, variables, options),
  );
}
