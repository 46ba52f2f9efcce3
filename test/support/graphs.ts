// Builds small graphs by hand.
import { Graph, type GraphNode, graphAttribute } from '../../src/runtime/capture/graph.js';
import type { TensorInfo } from '../../src/runtime/capture/shape-rules.js';
import { DT_BFLOAT16, DT_FLOAT, DT_INT32, DT_RESOURCE } from '../../src/runtime/data-types.js';

export const float = (...shape: number[]): TensorInfo => ({ shape, dtype: DT_FLOAT });
export const half = (...shape: number[]): TensorInfo => ({ shape, dtype: DT_BFLOAT16 });

/** A graph that is built node by node, with the type of the first output as `T`. */
export class HandMadeGraph {
  private readonly graph = new Graph();

  input(info: TensorInfo): string {
    return this.graph.add('Placeholder', [], { dtype: graphAttribute.type(info.dtype) }, [info]);
  }

  ints(...values: number[]): string {
    return this.graph.constant(DT_INT32, [values.length], values);
  }

  /** A handle, and a read of it. */
  variable(info: TensorInfo): { handle: string; read: string } {
    const dtype = { dtype: graphAttribute.type(info.dtype) };
    const handle = this.graph.add('VarHandleOp', [], dtype, [{ shape: [], dtype: DT_RESOURCE }]);
    return { handle, read: this.graph.add('ReadVariableOp', [handle], dtype, [info]) };
  }

  node(op: string, inputs: string[], ...outputs: TensorInfo[]): string {
    const type = outputs[0]?.dtype ?? DT_FLOAT;
    return this.graph.add(op, inputs, { T: graphAttribute.type(type) }, outputs);
  }

  nodesFor(...targets: string[]): GraphNode[] {
    return this.graph.nodesFor(targets);
  }
}
