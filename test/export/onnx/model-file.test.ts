import { beforeAll, describe, expect, test } from 'vitest';
import {
  blocksOf,
  bytesField,
  intField,
  message,
  readFields,
  readPacked,
} from '../../../src/base/protobuf.js';
import { buildOnnxModel, ONNX_PARTS } from '../../../src/export/onnx/generator-graph.js';
import type { OnnxModel } from '../../../src/export/onnx/graph.js';
import { decodeModel, encodeModel } from '../../../src/export/onnx/model-file.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { referenceModel } from '../../support/exports.js';

beforeAll(async () => {
  await loadEngine();
});

const { architecture, values } = referenceModel('main');
const model = (): OnnxModel =>
  buildOnnxModel(architecture, values, 'model', {
    direction: 'A2B',
    precision: 'float32',
    producerVersion: '1.2.3',
  });
const bytesOf = (made: OnnxModel): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.concat([...blocksOf(encodeModel(made))]));

describe('protobuf messages', () => {
  test('encode numbers of any size and sign as the format says', () => {
    // The examples of https://protobuf.dev/programming-guides/encoding.
    expect(Buffer.concat(intField(1, 150).chunks).toString('hex')).toBe('089601');
    expect(Buffer.concat(intField(1, -2).chunks).toString('hex')).toBe('08feffffffffffffffff01');
    expect(Buffer.concat(bytesField(2, 'testing').chunks).toString('hex')).toBe('120774657374696e67');
    const numbers = [0, 1, 127, 128, 2 ** 31, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER, -1, -(2 ** 40)];
    const read = readFields(Buffer.concat(message(numbers.map((n) => intField(3, n))).chunks));
    expect(read).toEqual(numbers.map((value) => ({ field: 3, value })));
    expect(() => intField(1, 0.5)).toThrow('0.5');
  });

  test('are read with packed numbers too', () => {
    expect(readPacked(Uint8Array.of(0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05))).toEqual([3, 270, 86942]);
  });

  test.each([
    ['a number that does not end', [0x08, 0x80]],
    ['a text that is cut off', [0x12, 0x07, 0x74]],
    ['a number of more than 64 bits', [0x08, ...Array<number>(11).fill(0xff)]],
    ['a negative length', [0x12, ...Array<number>(9).fill(0xff), 0x01]],
    ['a group, which nothing has', [0x0b]],
  ])('are rejected: %s', (_, bytes) => {
    expect(() => readFields(Uint8Array.from(bytes))).toThrow(RangeError);
  });
});

describe('an ONNX file', () => {
  test('is read as the model that was written', () => {
    const made = model();
    const read = decodeModel(bytesOf(made));
    expect(read.producerVersion).toBe('1.2.3');
    expect(read.metadata).toEqual(made.metadata);
    expect(JSON.parse(read.metadata['gnr.architecture']!)).toEqual(architecture);
    const { initializers, ...graph } = read.graph;
    const { initializers: written, ...other } = made.graph;
    // What float32 can keep of the attributes.
    const rounded = JSON.stringify(other, (key, value: unknown) =>
      key === 'float' ? Math.fround(value as number) : value,
    );
    expect(graph).toEqual(JSON.parse(rounded));
    expect(initializers).toHaveLength(written.length);
    for (const [i, { name, data, shape }] of initializers.entries()) {
      expect([name, shape]).toEqual([written[i]!.name, written[i]!.shape]);
      expect(
        Buffer.from(data.buffer).equals(Buffer.from(new Uint8Array(written[i]!.data.slice().buffer))),
      ).toBe(true);
    }
  });

  test('has the same bytes every time', () => {
    for (const part of ONNX_PARTS) {
      const options = { direction: 'B2A', precision: 'float16', producerVersion: '1' } as const;
      const [one, other] = [0, 1].map(() => bytesOf(buildOnnxModel(architecture, values, part, options)));
      expect(Buffer.from(one!).equals(other!)).toBe(true);
    }
  });

  test('is rejected if it is truncated anywhere', () => {
    const bytes = bytesOf(model());
    for (const share of [0, 0.1, 0.5, 0.99]) {
      const cut = bytes.subarray(0, Math.floor(bytes.byteLength * share));
      expect(() => decodeModel(cut)).toThrow(RangeError);
    }
  });

  test('is not written if a weight is beyond the range of float16', () => {
    const [path] = Object.keys(values.G_A2B!).filter((key) => key.endsWith('.weight'));
    const tree = { ...values.G_A2B!, [path!]: values.G_A2B![path!]!.map(() => 1e5) };
    const options = { direction: 'A2B', precision: 'float16', producerVersion: '1' } as const;
    const made = buildOnnxModel(architecture, { ...values, G_A2B: tree }, 'model', options);
    expect(() => bytesOf(made)).toThrow(`${path} as float16: it holds 100000`);
  });
});
