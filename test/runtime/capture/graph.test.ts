import { describe, expect, it } from 'vitest';
import { readFields, readPacked } from '../../../src/base/protobuf.js';
import { Graph, graphAttribute } from '../../../src/runtime/capture/graph.js';
import { DT_FLOAT, DT_INT32 } from '../../../src/runtime/data-types.js';

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The fields of a message by number, each with the list of its values. */
function fieldsOf(bytes: Uint8Array): Record<number, (number | Uint8Array)[]> {
  const fields: Record<number, (number | Uint8Array)[]> = {};
  for (const { field, value } of readFields(bytes)) fields[field] = [...(fields[field] ?? []), value];
  return fields;
}

/** The only value of a field. */
function only(bytes: Uint8Array, field: number): number | Uint8Array {
  const values = fieldsOf(bytes)[field];
  expect(values, `field ${field}`).toHaveLength(1);
  return values![0]!;
}

const messageAt = (bytes: Uint8Array, ...path: number[]): Uint8Array =>
  path.reduce((inner, field) => only(inner, field) as Uint8Array, bytes);

/** The nodes of a serialized graph, with the value of each attribute. */
function decoded(bytes: Uint8Array) {
  return (fieldsOf(bytes)[1] as Uint8Array[]).map((node) => {
    const { 1: name, 2: op, 3: inputs = [], 5: entries = [], ...others } = fieldsOf(node);
    expect(others).toEqual({});
    const attributes = (entries as Uint8Array[]).map((entry) => [
      textOf(messageAt(entry, 1)),
      messageAt(entry, 2),
    ]);
    return {
      name: textOf(name![0] as Uint8Array),
      op: textOf(op![0] as Uint8Array),
      inputs: (inputs as Uint8Array[]).map(textOf),
      attributes: Object.fromEntries(attributes) as Record<string, Uint8Array>,
    };
  });
}

const float = (...shape: number[]) => ({ shape, dtype: DT_FLOAT });
const shapeOf = (message: Uint8Array): number[] =>
  (fieldsOf(message)[2] ?? []).map((dim) => only(dim as Uint8Array, 1) as number);

describe('a serialized graph', () => {
  it('holds its nodes in order, with names, operations and inputs, and the version of the format', () => {
    const graph = new Graph();
    const x = graph.add('Placeholder', [], {}, [float(2)], 'x');
    const parts = graph.add('SplitV', [x], {}, [float(1), float(1)]);
    graph.add('Identity', [`${parts}:1`, `^${x}`], {}, [float(1)], 'last');
    const bytes = graph.serialize();
    expect(decoded(bytes)).toEqual([
      { name: 'x', op: 'Placeholder', inputs: [], attributes: {} },
      { name: parts, op: 'SplitV', inputs: ['x'], attributes: {} },
      { name: 'last', op: 'Identity', inputs: [`${parts}:1`, '^x'], attributes: {} },
    ]);
    expect(only(messageAt(bytes, 4), 1)).toBe(1987);
  });

  it('holds attributes of every kind, also zeros, false and empty text', () => {
    const graph = new Graph();
    graph.add(
      'Any',
      [],
      {
        int: { kind: 'int', value: -3 },
        zero: { kind: 'int', value: 0 },
        ints: { kind: 'ints', value: [1, 0, 300, -1] },
        float: { kind: 'float', value: 0.25 },
        yes: { kind: 'bool', value: true },
        no: { kind: 'bool', value: false },
        type: graphAttribute.type(DT_INT32),
        string: graphAttribute.string('NHWC'),
        empty: graphAttribute.string(''),
        shape: graphAttribute.shape([2, 0, 2 ** 40]),
        scalar: graphAttribute.shape([]),
      },
      [float()],
    );
    const { attributes } = decoded(graph.serialize())[0]!;
    expect(only(attributes.int!, 3)).toBe(-3);
    expect(only(attributes.zero!, 3)).toBe(0);
    expect(readPacked(messageAt(attributes.ints!, 1, 3))).toEqual([1, 0, 300, -1]);
    expect(only(attributes.float!, 4)).toBe(0.25);
    expect(only(attributes.yes!, 5)).toBe(1);
    expect(only(attributes.no!, 5)).toBe(0);
    expect(only(attributes.type!, 6)).toBe(DT_INT32);
    expect(textOf(messageAt(attributes.string!, 2))).toBe('NHWC');
    expect(messageAt(attributes.empty!, 2)).toHaveLength(0);
    expect(shapeOf(messageAt(attributes.shape!, 7))).toEqual([2, 0, 2 ** 40]);
    expect(shapeOf(messageAt(attributes.scalar!, 7))).toEqual([]);
  });

  it('holds the type, shape and values of constants, of which small equal ones share a node', () => {
    const graph = new Graph();
    const name = graph.constant(DT_FLOAT, [1, 2], [1.5, -2]);
    expect(graph.constant(DT_FLOAT, [1, 2], [1.5, -2])).toBe(name);
    const others = [
      graph.constant(DT_FLOAT, [2], [1.5, -2]),
      graph.constant(DT_INT32, [1, 2], [1, -2]),
      graph.constant(DT_FLOAT, [100_000], new Float32Array(100_000).fill(7)),
      graph.constant(DT_FLOAT, [100_000], new Float32Array(100_000).fill(7)),
    ];
    expect(new Set([name, ...others]).size).toBe(5);
    const nodes = decoded(graph.serialize());
    const constants = nodes.map(({ attributes }) => {
      const tensor = messageAt(attributes.value!, 8);
      const bytes = (only(tensor, 4) as Uint8Array).slice().buffer;
      const dtype = only(tensor, 1);
      expect(only(attributes.dtype!, 6)).toBe(dtype);
      const values = dtype === DT_INT32 ? new Int32Array(bytes) : new Float32Array(bytes);
      return { dtype, shape: shapeOf(messageAt(tensor, 2)), values: [...values] };
    });
    const seven = { dtype: DT_FLOAT, shape: [100_000], values: Array<number>(100_000).fill(7) };
    expect(constants).toEqual([
      { dtype: DT_FLOAT, shape: [1, 2], values: [1.5, -2] },
      { dtype: DT_FLOAT, shape: [2], values: [1.5, -2] },
      { dtype: DT_INT32, shape: [1, 2], values: [1, -2] },
      seven,
      seven,
    ]);
  });
});
