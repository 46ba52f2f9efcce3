import { describe, expect, it } from 'vitest';
import { folderMethod, groupOutputs } from '../../../src/eval/methods/folder-method.js';

const grouped = (files: string[], inputs: string[] = []) =>
  groupOutputs('out', files, { dir: 'in', files: inputs }).map(({ input, files: own }) => [
    input,
    own.length,
  ]);

describe('groupOutputs', () => {
  it('groups outputs that are named like inputs, in any order, with numbers at the end', () => {
    const inputs = ['in/x.jpg', 'in/y.png', 'in/z-1.png'];
    expect(grouped(['out/y_style-1.png', 'out/y_style-2.png', 'out/x.png', 'out/z-1_3.png'], inputs)).toEqual(
      [
        [1, 2],
        [0, 1],
        [2, 1],
      ],
    );
  });

  it('does not group numbered images as outputs of one input', () => {
    expect(grouped(['out/img_1.png', 'out/img_2.png', 'out/img_3.png'])).toEqual([
      [undefined, 1],
      [undefined, 1],
      [undefined, 1],
    ]);
  });

  it('reads pairs of numbers as input and output', () => {
    expect(grouped(['out/0001_01.png', 'out/0001_02.png', 'out/0002_01.png'])).toEqual([
      [undefined, 2],
      [undefined, 1],
    ]);
  });

  it('groups the files of a folder', () => {
    expect(grouped(['out/a/1.png', 'out/a/2.png', 'out/b/1.png'])).toEqual([
      [undefined, 2],
      [undefined, 1],
    ]);
  });

  it('distinguishes inputs of the same name by their folders', () => {
    const inputs = ['in/a/1.png', 'in/b/1.png'];
    expect(grouped(['out/a/1.png', 'out/a/1_2.png', 'out/b/1.png'], inputs)).toEqual([
      [0, 2],
      [1, 1],
    ]);
    // Without folders nothing tells which of the two it is.
    expect(grouped(['out/1.png'], inputs)).toEqual([[undefined, 1]]);
  });

  it('ignores inputs if some output belongs to none', () => {
    expect(grouped(['out/x.png', 'out/other.png'], ['in/x.jpg'])).toEqual([
      [undefined, 1],
      [undefined, 1],
    ]);
  });
});

describe('folderMethod', () => {
  it('skips outputs of inputs that are not evaluated', () => {
    const inputs = { dir: 'in', files: ['in/a.png', 'in/b.png', 'in/c.png'] };
    const files = ['out/a_1.png', 'out/a_2.png', 'out/b_1.png', 'out/b_2.png', 'out/c_1.png'];
    const method = folderMethod({ name: 'x', dir: 'out', files, inputs, chosenInputs: 2 });
    expect([method.inputs, method.outputs, method.outputsPerInput]).toEqual([2, 4, 2]);
  });
});
