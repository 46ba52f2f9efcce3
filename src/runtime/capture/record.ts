// Records functions over tensors and their variables as programs of one TensorFlow graph.
import type { Tensor } from '@tensorflow/tfjs-core';
import { DT_RESOURCE, typeCode } from '../data-types.js';
import { Graph, graphAttribute } from './graph.js';
import { type Precision, Recorder, type TensorSpec } from './recorder.js';
import type { TensorInfo } from './shape-rules.js';
import { orderTransfers } from './transfers.js';

/** A function over tensors that becomes one session call. */
export interface Program {
  inputs: Readonly<Record<string, TensorSpec>>;
  /** Replaces the precision of all programs for this one. */
  precision?: Precision;
  /**
   * Called once, while recording: the tensors have shapes and no values. `assign` sets variables, all of them after every
   * read.
   */
  run(
    variables: Readonly<Record<string, Tensor>>,
    inputs: Readonly<Record<string, Tensor>>,
  ): { outputs: Record<string, Tensor>; assign?: Record<string, Tensor> };
}

/** The nodes of a program to feed and to fetch. */
export interface Endpoint {
  inputs: Record<string, { node: string; spec: TensorSpec }>;
  outputs: Record<string, string>;
}

/** The nodes of a variable: the placeholder of a new value, the assignment, and the read. */
export interface VariableNodes {
  spec: TensorSpec;
  fed: string;
  assign: string;
  read: string;
}

/** Several programs over one set of variables, as a graph that is not loaded. */
export interface RecordedPrograms<P extends string = string> {
  graph: Graph;
  variables: Record<string, VariableNodes>;
  endpoints: Record<P, Endpoint>;
}

function infoOf({ shape, dtype }: TensorSpec): TensorInfo {
  return { shape, dtype: typeCode(dtype) };
}

function variableNodes(graph: Graph, name: string, index: number, { shape, dtype }: TensorSpec) {
  const type = graphAttribute.type(typeCode(dtype));
  const info = [infoOf({ shape, dtype })];
  const handle = graph.add(
    'VarHandleOp',
    [],
    {
      dtype: type,
      shape: graphAttribute.shape(shape),
      shared_name: graphAttribute.string(name),
      container: graphAttribute.string(''),
    },
    [{ shape: [], dtype: DT_RESOURCE }],
    `variable${index}`,
  );
  const fed = graph.add(
    'Placeholder',
    [],
    { dtype: type, shape: graphAttribute.shape(shape) },
    info,
    `${handle}_value`,
  );
  const assign = graph.add('AssignVariableOp', [handle, fed], { dtype: type }, [], `${handle}_assign`);
  const read = graph.add('ReadVariableOp', [handle], { dtype: type }, info, `${handle}_read`);
  return { handle, fed, assign, read, type };
}

function recordProgram(
  graph: Graph,
  name: string,
  program: Program,
  variables: Record<string, { spec: TensorSpec; nodes: ReturnType<typeof variableNodes> }>,
  precision: Precision,
): Endpoint {
  const first = graph.size;
  const recorder = new Recorder(graph, precision);
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([key, spec]) => {
      const attributes = {
        dtype: graphAttribute.type(typeCode(spec.dtype)),
        shape: graphAttribute.shape(spec.shape),
      };
      return [
        key,
        { node: graph.add('Placeholder', [], attributes, [infoOf(spec)], `${name}_${key}`), spec },
      ];
    }),
  );
  // Each program has its own reads, so that its order does not depend on other programs.
  const reads = Object.fromEntries(
    Object.entries(variables).map(([key, { spec, nodes }]) => [
      key,
      graph.add('ReadVariableOp', [nodes.handle], { dtype: nodes.type }, [infoOf(spec)]),
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
        throw new RangeError(`program ${name} assigns '${key}', which is not a variable`);
      if (tensor.shape.join() !== variable.spec.shape.join())
        throw new RangeError(
          `program ${name} assigns shape [${tensor.shape}] to '${key}', which has shape [${variable.spec.shape}]`,
        );
      const { handle, type } = variable.nodes;
      // Assign after the one read that the whole program uses, even if the new value does not depend on it.
      const assigned = [handle, recorder.sourceOf(tensor), `^${reads[key]}`];
      return `^${graph.add('AssignVariableOp', assigned, { dtype: type }, [])}`;
    });
    for (const [key, tensor] of Object.entries(result.outputs)) {
      const dtype = typeCode(tensor.dtype);
      outputs[key] = graph.add(
        'Identity',
        [recorder.sourceOf(tensor), ...assignments],
        { T: graphAttribute.type(dtype) },
        [{ shape: tensor.shape, dtype }],
      );
    }
  });
  graph.rewrite(first, orderTransfers);
  return { inputs, outputs };
}

/**
 * The graph that `capture` would load, without a session, for counting the cost of programs and checking that they can
 * run. Computes nothing and needs no memory beyond the graph. Works on the native backend only.
 *
 * @throws RangeError naming an operation without a shape rule, or a variable to which a program assigns another shape.
 */
export function recordGraph<P extends string>(
  programs: Readonly<Record<P, Program>>,
  variables: Readonly<Record<string, TensorSpec>>,
  precision: Precision = {},
): RecordedPrograms<P> {
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
      recordProgram(graph, name, program, nodes, program.precision ?? precision),
    ]),
  ) as Record<P, Endpoint>;
  const endpointsOfVariables = Object.fromEntries(
    Object.entries(nodes).map(
      ([
        name,
        {
          spec,
          nodes: { fed, assign, read },
        },
      ]) => [name, { spec, fed, assign, read }],
    ),
  );
  // Unused nodes, such as reads of variables, cost time when the session loads and first runs.
  graph.prune([
    ...Object.values(endpointsOfVariables).flatMap(({ fed, assign, read }) => [fed, assign, read]),
    ...Object.values<Endpoint>(endpoints).flatMap(({ inputs, outputs }) => [
      ...Object.values(inputs).map(({ node }) => node),
      ...Object.values(outputs),
    ]),
  ]);
  return { graph, variables: endpointsOfVariables, endpoints };
}
