import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunError } from '../../../src/base/errors.js';
import { type CapturedPrograms, capture, type Program } from '../../../src/runtime/capture/capture.js';
import { kernels } from '../../../src/runtime/kernels.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { sessionCount } from '../../../src/runtime/session.js';
import { relativeError } from '../../support/reference.js';
import { randomTensor } from '../../support/tensors.js';

beforeAll(async () => {
  await loadEngine();
});

const made: CapturedPrograms[] = [];
afterEach(() => {
  for (const programs of made.splice(0)) programs.dispose();
});

/** Captured programs that the test need not dispose. */
function captured<P extends string>(...args: Parameters<typeof capture<P>>): CapturedPrograms<P> {
  const programs = capture<P>(...args);
  made.push(programs as CapturedPrograms);
  return programs;
}

const float = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
const int = (...shape: number[]) => ({ shape, dtype: 'int32' as const });
const floats = (...values: number[]) => Float32Array.of(...values);
const sumOf = (a: Tensor, b: Tensor): Tensor => kernels().add(a, b);

/** Counts of tensors: of tfjs, and of TensorFlow below it. */
function counts() {
  const backend = tf.backend() as unknown as { getNumOfTFTensors(): number };
  return {
    tensors: tf.memory().numTensors,
    tensorflow: backend.getNumOfTFTensors(),
    sessions: sessionCount(),
  };
}

/** Adds its input to the variable `total`, and gives the total before. */
const adding: Program = {
  inputs: { amount: float(2) },
  run: ({ total }, { amount }) => ({
    outputs: { before: total! },
    assign: { total: sumOf(total!, amount!) },
  }),
};

/** The nearest number with 8 significant bits. */
function toBfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  const low = bits[0]! & 0xffff;
  const up = low > 0x8000 || (low === 0x8000 && (bits[0]! & 0x10000) !== 0);
  bits[0] = (bits[0]! & 0xffff0000) + (up ? 0x10000 : 0);
  return new Float32Array(bits.buffer)[0]!;
}

describe('a captured program with bfloat16 arithmetic', () => {
  const geometry = { stride: 1, padding: [1, 1] } as const;
  const shapes = (channels: number) => ({
    x: [2, 5, 5, channels],
    w: [3, 3, channels, 16],
    dy: [2, 5, 5, 16],
  });
  const convolutions = ({ x, w, dy }: Record<string, Tensor>): Record<string, Tensor> => ({
    forward: kernels().conv2d(x!, w!, geometry),
    input: kernels().conv2dInputGradient(x!.shape, w!, dy!, geometry),
    filter: kernels().conv2dFilterGradient(x!, w!.shape, dy!, geometry),
  });
  /** Each convolution captured in bfloat16, and what `prepare` of the same inputs gives in float32. */
  const compare = (channels: number, prepare: (x: Tensor) => Tensor) => {
    const entries = Object.entries(shapes(channels));
    const values = Object.fromEntries(entries.map(([name, shape], i) => [name, randomTensor(i + 1, shape)]));
    const program: Program = {
      inputs: Object.fromEntries(entries.map(([name, shape]) => [name, float(...shape)])),
      run: (_, inputs) => ({ outputs: convolutions(inputs) }),
    };
    const programs = captured({ program }, {}, { arithmetic: 'bfloat16' });
    const found = programs.run(
      'program',
      Object.fromEntries(entries.map(([name]) => [name, values[name]!.dataSync<'float32'>()])),
    );
    const prepared = Object.fromEntries(entries.map(([name]) => [name, prepare(values[name]!)]));
    return Object.entries(convolutions(prepared)).map(([name, tensor]) => ({
      found: found[name]!,
      expected: tensor.dataSync<'float32'>(),
    }));
  };

  it('rounds the factors of wide convolutions, but not the products before they are summed', () => {
    const rounded = (x: Tensor): Tensor =>
      tf.tensor(x.dataSync<'float32'>().map(toBfloat16), x.shape, 'float32');
    for (const { found, expected } of compare(16, rounded)) {
      const largest = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => {
        expect(found[i]).toBe(toBfloat16(found[i]!));
        expect(Math.abs(found[i]! - value)).toBeLessThan(2 ** -8 * Math.abs(value) + 1e-5 * largest);
      });
    }
  });

  it('computes convolutions of images in float32', () => {
    for (const { found, expected } of compare(3, (x) => x)) {
      const largest = Math.max(...expected.map(Math.abs));
      expected.forEach((value, i) => {
        expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5 * largest);
      });
    }
  });
});

describe('bfloat16 activations of a captured program', () => {
  const KEPT = { arithmetic: 'bfloat16', activations: 'bfloat16' } as const;
  const same = { stride: 1, padding: [1, 1] } as const;
  const shapes = { image: [2, 6, 6, 3], first: [1, 1, 3, 16], second: [3, 3, 16, 16], bias: [16] };
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, float(...shape)]));
  const valuesOf = () =>
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [
        name,
        randomTensor(i + 1, shape).dataSync<'float32'>(),
      ]),
    );
  type Inputs = Readonly<Record<string, Tensor>>;
  /** A layer on an image, and one on its features. */
  const layers = ({ image, first, second, bias }: Inputs) => {
    const k = kernels();
    const features = k.biasLeakyRelu(k.conv2d(image!, first!, { stride: 1, padding: [0, 0] }), bias!, 0.2);
    return { features, next: k.biasLeakyRelu(k.conv2d(features, second!, same), bias!, 0.2) };
  };
  const both = (run: (given: Inputs) => Record<string, Tensor>) => {
    const program: Program = { inputs, run: (_, given) => ({ outputs: run(given) }) };
    return [{}, KEPT].map((precision) => {
      const programs = captured({ program }, {}, precision);
      return { kernels: programs.kernels.program, outputs: programs.run('program', valuesOf()) };
    });
  };
  const isRounded = (values: ArrayLike<number>): boolean =>
    Array.from(values).every((value) => value === toBfloat16(value));

  it('stay bfloat16 from layer to layer, with results close to those of float32', () => {
    const [exact, kept] = both((given) => ({ ...layers(given) }));
    for (const [name, expected] of Object.entries(exact!.outputs)) {
      expect(isRounded(kept!.outputs[name]!), name).toBe(true);
      expect(relativeError(kept!.outputs[name]!, expected), name).toBeLessThan(0.02);
    }
    // Casts of the first layer's sums, of both outputs, of the second filter and of the bias that both layers share.
    expect(kept!.kernels - exact!.kernels).toBe(5);
  });

  it('are summed in float32, from unrounded values if they exist', () => {
    const [exact, kept] = both((given) => {
      const k = kernels();
      const { next } = layers(given);
      const sums = k.conv2d(given.image!, given.first!, { stride: 1, padding: [0, 0] });
      return { sum: k.sum(next, [1, 2], false), fromImage: k.sum(sums, [0, 1, 2], false) };
    });
    expect(isRounded(kept!.outputs.sum!)).toBe(false);
    expect(relativeError(kept!.outputs.sum!, exact!.outputs.sum!)).toBeLessThan(0.02);
    expect(kept!.outputs.fromImage).toEqual(exact!.outputs.fromImage);
  });

  it('keep their type in kernels().after', () => {
    const [exact, kept] = both((given) => {
      const { features, next } = layers(given);
      return { again: kernels().conv2d(kernels().after(features, [next]), given.second!, same) };
    });
    expect(relativeError(kept!.outputs.again!, exact!.outputs.again!)).toBeLessThan(0.02);
    // Of the first sums, the second filter, the bias and the output: none around the identity.
    expect(kept!.kernels - exact!.kernels).toBe(4);
  });
});

describe('a captured program', () => {
  it('computes the same as the function, for any inputs and in any order of calls', () => {
    const filter = randomTensor(1, [3, 3, 2, 4]);
    const network = (x: Tensor, w: Tensor, rows: Tensor): Tensor => {
      const k = kernels();
      const y = k.conv2d(x, w, { stride: 2, padding: [1, 0] });
      const picked = k.gatherRows(k.mean(k.leakyRelu(y, 0.2), [1, 2], false), rows);
      return k.affine(k.matMul(picked, picked, false, true), 3, -1);
    };
    const program: Program = {
      inputs: { x: float(3, 6, 5, 2), rows: int(2) },
      run: ({ w }, { x, rows }) => ({ outputs: { y: network(x!, w!, rows!) } }),
    };
    const programs = captured({ program }, { w: float(3, 3, 2, 4) });
    programs.write({ w: filter.dataSync<'float32'>() });
    for (const seed of [2, 3]) {
      const x = randomTensor(seed, [3, 6, 5, 2]);
      const rows = tf.tensor1d([2, seed - 2], 'int32');
      const { y } = programs.run('program', {
        x: x.dataSync<'float32'>(),
        rows: rows.dataSync<'int32'>(),
      });
      const expected = tf.tidy(() => network(x, filter, rows).dataSync());
      expect(y).toHaveLength(4);
      expected.forEach((value, i) => {
        expect(y![i]).toBeCloseTo(value, 4);
      });
    }
  });

  it('computes and uploads nothing while it is recorded', () => {
    const shapes: number[][] = [];
    const { tensorflow } = counts();
    const program: Program = {
      // Far more than there is memory for.
      inputs: { x: float(2 ** 20, 2 ** 20) },
      run: (_, { x }) => {
        const y = kernels().multiply(kernels().affine(kernels().square(x!), 2, 3), tf.tensor1d([5]));
        shapes.push(y.shape);
        expect(counts().tensorflow).toBe(tensorflow);
        return { outputs: { y: kernels().slice(y, [0, 0], [1, 1]) } };
      },
    };
    captured({ program }, {});
    expect(shapes).toEqual([[2 ** 20, 2 ** 20]]);
  });

  it('uses earlier tensors as constants, even if they are freed later', () => {
    const factor = tf.tensor1d([2, 3]);
    const index = tf.tensor1d([1, 0], 'int32');
    const program: Program = {
      inputs: { x: float(2) },
      run: (_, { x }) => ({ outputs: { y: kernels().gatherRows(kernels().multiply(x!, factor), index) } }),
    };
    const programs = captured({ program }, {});
    factor.dispose();
    index.dispose();
    expect(programs.run('program', { x: floats(10, 100) })).toEqual({ y: floats(300, 20) });
  });

  it('may create a tensor that outlives it, such as a filter that all layers share', () => {
    let shared: Tensor | undefined;
    const program: Program = {
      inputs: { x: float(2) },
      run: (_, { x }) => {
        shared ??= tf.keep(tf.tensor1d([5, 7]));
        return { outputs: { y: kernels().multiply(x!, shared) } };
      },
    };
    const programs = captured({ first: program, second: program }, {});
    for (const name of ['first', 'second'] as const)
      expect(programs.run(name, { x: floats(1, 2) })).toEqual({ y: floats(5, 14) });
    expect([...shared!.dataSync()]).toEqual([5, 7]);
    shared!.dispose();
  });

  it('has no nodes that no output needs', () => {
    const program = (isWasteful: boolean): Program => ({
      inputs: { x: float(2) },
      run: (_, { x }) => {
        if (isWasteful) kernels().square(kernels().multiply(x!, tf.tensor1d([3, 4])));
        return { outputs: { y: kernels().sqrt(x!) } };
      },
    });
    const [lean, wasteful] = [false, true].map((isWasteful) =>
      captured({ program: program(isWasteful) }, { total: float(2) }),
    );
    expect(wasteful!.nodes).toBe(lean!.nodes);
    expect(wasteful!.run('program', { x: floats(4, 9) })).toEqual({ y: floats(2, 3) });
  });

  it('returns outputs of both types, also inputs that it does not change', () => {
    const program: Program = {
      inputs: { x: float(2), rows: int(2) },
      run: (_, { x, rows }) => ({ outputs: { x: x!, rows: rows!, y: kernels().fill([1], 4) } }),
    };
    const programs = captured({ program }, {});
    const rows = Int32Array.of(7, -8);
    expect(programs.run('program', { x: floats(1, 2), rows })).toEqual({
      x: floats(1, 2),
      rows,
      y: floats(4),
    });
  });
});

describe('variables of captured programs', () => {
  it('are read as they were written, all or some of them', () => {
    const programs = captured(
      { adding },
      { total: float(2), other: float(2, 1), count: int(), one: float() },
    );
    const values = {
      total: floats(1, 2),
      other: floats(-0.1, 1e30),
      count: Int32Array.of(-5),
      one: floats(9),
    };
    programs.write(values);
    expect(programs.read()).toEqual(values);
    programs.write({ other: floats(3, 4) });
    expect(programs.read(['other', 'count'])).toEqual({ other: floats(3, 4), count: values.count });
    expect(programs.read(['total'])).toEqual({ total: values.total });
  });

  it('keep the values that a program assigns, for all programs', () => {
    const doubling: Program = {
      inputs: {},
      run: ({ total }) => ({ outputs: { twice: kernels().affine(total!, 2, 0) } }),
    };
    const programs = captured({ adding, doubling }, { total: float(2) });
    programs.write({ total: floats(1, 2) });
    expect(programs.run('adding', { amount: floats(10, 20) })).toEqual({ before: floats(1, 2) });
    expect(programs.run('doubling', {})).toEqual({ twice: floats(22, 44) });
    expect(programs.run('adding', { amount: floats(1, 1) })).toEqual({ before: floats(11, 22) });
    expect(programs.read()).toEqual({ total: floats(12, 23) });
  });

  it('change only after everything has been read', () => {
    const swapping: Program = {
      inputs: {},
      run: ({ a, b }) => ({ outputs: { sum: sumOf(a!, b!) }, assign: { a: b!, b: a! } }),
    };
    const programs = captured({ swapping }, { a: float(3), b: float(3) });
    programs.write({ a: floats(1, 2, 3), b: floats(4, 5, 6) });
    for (let i = 0; i < 5; i++) expect(programs.run('swapping', {})).toEqual({ sum: floats(5, 7, 9) });
    expect(programs.read()).toEqual({ a: floats(4, 5, 6), b: floats(1, 2, 3) });
  });

  it('of two captures are independent', () => {
    const [one, two] = [0, 1].map(() => captured({ adding }, { total: float(2) }));
    one!.write({ total: floats(1, 1) });
    two!.write({ total: floats(2, 2) });
    one!.run('adding', { amount: floats(5, 5) });
    expect(two!.read()).toEqual({ total: floats(2, 2) });
    two!.dispose();
    expect(one!.read()).toEqual({ total: floats(6, 6) });
  });
});

describe('capture', () => {
  const record = (run: Program['run']) => () =>
    captured({ faulty: { inputs: { x: float(2) }, run } }, { total: float(2) });

  it("rejects tfjs's own operations on its tensors, by name", () => {
    const message = (name: string) =>
      new RegExp(`^tf\\.${name} cannot run on a symbolic tensor, which has no values`);
    expect(record((_, { x }) => ({ outputs: { y: tf.tan(x!) } }))).toThrow(message('tan'));
    expect(record((_, { x }) => ({ outputs: { y: tf.reshape(x!, [2, 1]) } }))).toThrow(message('reshape'));
    expect(record((_, { x }) => ({ outputs: { y: x!.clone() } }))).toThrow(message('clone'));
  });

  it('rejects kernels that were taken before the recording, by the name of the operation', () => {
    const earlier = kernels();
    expect(record((_, { x }) => ({ outputs: { y: earlier.square(x!) } }))).toThrow(
      /^Square cannot run on a symbolic tensor, .*: call kernels\(\) while the program is recorded/,
    );
    expect(record((_, { x }) => ({ outputs: { y: earlier.after(x!, []) } }))).toThrow(/^Identity cannot/);
  });

  it('rejects tensors of another recording, and freed ones, as the inputs of an operation', () => {
    let other: Tensor | undefined;
    record((_, { x }) => {
      other = tf.keep(kernels().square(x!));
      return { outputs: { y: other } };
    })();
    expect(record((_, { x }) => ({ outputs: { y: kernels().multiply(x!, other!) } }))).toThrow(
      'an input of Mul was not created by the captured function',
    );
    other!.dispose();
    expect(
      record((_, { x }) => {
        const y = kernels().square(x!);
        y.dispose();
        return { outputs: { y: kernels().sqrt(y) } };
      }),
    ).toThrow('an input of Sqrt was disposed before');
  });

  it('rejects reading a value while recording', async () => {
    expect(
      record((_, { x }) => {
        const [first] = kernels().square(x!).dataSync();
        return { outputs: { y: tf.tensor1d([first!]) } };
      }),
    ).toThrow(/cannot read values/);
    let later: Promise<unknown> | undefined;
    record((_, { x }) => {
      later = x!.data();
      return { outputs: { x: x! } };
    })();
    await expect(later).rejects.toThrow(/cannot read values/);
  });

  it('rejects assigning an unknown variable or another shape', () => {
    expect(record((_, { x }) => ({ outputs: { x: x! }, assign: { totl: x! } }))).toThrow(
      "program faulty assigns 'totl', which is not a variable",
    );
    expect(
      record((_, { x }) => ({ outputs: { x: x! }, assign: { total: kernels().reshape(x!, [1, 2]) } })),
    ).toThrow("program faulty assigns shape [1,2] to 'total', which has shape [2]");
  });

  it('rejects a tensor of an unknown type', () => {
    const mask = tf.tensor1d([true, false]);
    for (const isUploaded of [false, true]) {
      if (isUploaded) tf.logicalNot(mask).dispose();
      expect(record((_, { x }) => ({ outputs: { y: kernels().multiply(mask, x!) } }))).toThrow(
        'kernels compute with float32 and int32, not with tensors of type bool',
      );
    }
    mask.dispose();
  });

  it('leaves the kernels working and nothing behind after an error', () => {
    const before = counts();
    const native = kernels();
    expect(
      record((_, { x }) => {
        const k = kernels();
        return { outputs: { y: tf.tan(k.multiply(k.square(x!), k.fill([2], 3))) } };
      }),
    ).toThrow(RangeError);
    expect(counts()).toEqual(before);
    expect(kernels()).toBe(native);
    const y = tf.tidy(() => tf.tan(kernels().fill([1], 0.5)).dataSync()[0]);
    expect(y).toBeCloseTo(Math.tan(0.5), 5);
  });

  it('rejects missing inputs, inputs of the wrong size and unknown variables before anything runs', () => {
    const programs = captured({ adding }, { total: float(2) });
    programs.write({ total: floats(1, 2) });
    expect(() => programs.run('adding', {})).toThrow("'amount' takes 2 values of shape [2], not none");
    expect(() => programs.run('adding', { amount: floats(1, 2, 3) })).toThrow(
      "'amount' takes 2 values of shape [2], not 3",
    );
    expect(() => programs.write({ totl: floats(1, 2) })).toThrow("there is no variable 'totl'");
    expect(() => programs.write({ total: floats(1) })).toThrow("'total' takes 2 values of shape [2], not 1");
    expect(() => programs.read(['totl'])).toThrow("there is no variable 'totl'");
    expect(programs.read()).toEqual({ total: floats(1, 2) });
  });

  it('throws a RunError if a program runs before its variables have values', () => {
    const programs = captured({ adding }, { total: float(2) });
    expect(() => programs.run('adding', { amount: floats(1, 2) })).toThrow(RunError);
    expect(() => programs.read()).toThrow(RunError);
    programs.write({ total: floats(1, 2) });
    expect(programs.run('adding', { amount: floats(1, 2) })).toEqual({ before: floats(1, 2) });
  });
});

describe('kernels().after in a captured program', () => {
  /** Gives x, after the square of the square of y has been computed. */
  const ordered = (dependencies: (y: Tensor) => Tensor[]): Program => ({
    inputs: { x: float(2), y: float(3) },
    run: (_, { x, y }) => ({ outputs: { x: kernels().after(x!, dependencies(y!)) } }),
  });
  const inputs = { x: floats(1, 2), y: floats(3, 4, 5) };

  it('runs the dependencies first, and changes no value', () => {
    const programs = captured(
      {
        free: ordered(() => []),
        after: ordered((y) => [kernels().square(kernels().square(y)), kernels().split(y, [1, 2])[1]!]),
      },
      {},
    );
    expect(programs.kernels.after - programs.kernels.free, 'two squares and a split').toBe(3);
    for (const name of ['free', 'after'] as const)
      expect(programs.run(name, inputs)).toEqual({ x: floats(1, 2) });
  });

  it('has no effect on kernels outside of a recording', () => {
    captured({ ordered: ordered((y) => [y]) }, {});
    const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([3])];
    const copy = kernels().after(x, [y]);
    expect([...copy.dataSync()]).toEqual([1, 2]);
    tf.dispose([x, y, copy]);
  });
});

describe('memory of captured programs', () => {
  it('recording leaves only the session behind, which dispose frees', () => {
    const before = counts();
    const programs = captured({ adding, again: adding }, { total: float(2) });
    expect(counts()).toEqual({ ...before, sessions: before.sessions + 1 });
    programs.write({ total: floats(1, 2) });
    programs.dispose();
    expect(counts()).toEqual(before);
  });

  it('runs, reads, writes and errors leave no tensor behind', () => {
    const programs = captured({ adding }, { total: float(2) });
    const before = counts();
    for (let i = 0; i < 20; i++) {
      programs.write({ total: floats(1, 2) });
      programs.run('adding', { amount: floats(1, 2) });
      programs.read();
      expect(() => programs.run('adding', { amount: floats(1) })).toThrow(RangeError);
    }
    expect(counts()).toEqual(before);
  });

  it('after dispose every call throws except another dispose', () => {
    const programs = captured({ adding }, { total: float(2) });
    programs.write({ total: floats(1, 2) });
    programs.dispose();
    programs.dispose();
    for (const call of [
      () => programs.run('adding', { amount: floats(1, 2) }),
      () => programs.read(),
      () => programs.write({ total: floats(1, 2) }),
    ])
      expect(call).toThrow('the captured programs were disposed');
  });
});

describe('runAsync', () => {
  it('returns the same as run, and lets timers run meanwhile', async () => {
    const size = 256;
    const program: Program = {
      inputs: { x: float(size, size) },
      run: (_, { x }) => {
        let y = x!;
        for (let i = 0; i < 100; i++)
          y = kernels().affine(kernels().matMul(y, x!, false, false), 1 / size, 0);
        return { outputs: { y } };
      },
    };
    const programs = captured({ program }, {});
    const x = new Float32Array(size * size).map((_, i) => Math.sin(i));
    const expected = programs.run('program', { x });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const found = await programs.runAsync('program', { x });
    clearInterval(timer);
    expect(found).toEqual(expected);
    expect(turns).toBeGreaterThan(0);
  });

  it('copies its inputs at once, so that they may change while it runs', async () => {
    const programs = captured({ adding }, { total: float(2) });
    programs.write({ total: floats(1, 2) });
    const amount = floats(10, 20);
    const running = programs.runAsync('adding', { amount });
    amount.fill(-1);
    expect(await running).toEqual({ before: floats(1, 2) });
    expect(programs.read()).toEqual({ total: floats(11, 22) });
  });

  it('finishes even if the programs are disposed meanwhile', async () => {
    const programs = captured({ adding }, { total: float(2) });
    programs.write({ total: floats(1, 2) });
    const running = programs.runAsync('adding', { amount: floats(1, 1) });
    programs.dispose();
    expect(await running).toEqual({ before: floats(1, 2) });
    await expect(programs.runAsync('adding', { amount: floats(1, 1) })).rejects.toThrow('were disposed');
  });

  it('rejects with the message of TensorFlow', async () => {
    const programs = captured({ adding }, { total: float(2) });
    await expect(programs.runAsync('adding', { amount: floats(1, 2) })).rejects.toThrow(RunError);
    await expect(programs.runAsync('adding', { amount: floats(1) })).rejects.toThrow(RangeError);
  });
});

describe('a captured program that needs too much memory', () => {
  it('throws an error that names the config keys that help', () => {
    const program: Program = {
      inputs: { x: float(1, 1) },
      run: (_, { x }) => ({
        outputs: { y: kernels().sum(kernels().broadcastTo(x!, [2 ** 21, 2 ** 21]), [0, 1], false) },
      }),
    };
    const programs = captured({ program }, {});
    expect(() => programs.run('program', { x: floats(1) })).toThrow(
      /^There is not enough memory for a tensor of shape ?\[2097152,2097152\].*training\.batch.*runtime\.microBatch.*runtime\.recomputeActivations/,
    );
  });
});
