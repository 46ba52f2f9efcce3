import { describe, expect, it } from 'vitest';
import { groupOutputs } from '../../../src/eval/methods/folder-method.js';

const grouped = (files: string[], inputs: string[] = []) =>
  groupOutputs('out', files, inputs).map(({ input, files: own }) => [input, own.length]);

describe('groupOutputs', () => {
  it('takes outputs that are called as inputs, in any order, with numbers behind', () => {
    const inputs = ['a/x.jpg', 'a/y.png', 'a/z-1.png'];
    expect(grouped(['out/y_style-1.png', 'out/y_style-2.png', 'out/x.png', 'out/z-1_3.png'], inputs)).toEqual(
      [
        [1, 2],
        [0, 1],
        [2, 1],
      ],
    );
  });

  it('does not take numbered pictures for outputs of one input', () => {
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

  it('takes a folder for an input', () => {
    expect(grouped(['out/a/1.png', 'out/a/2.png', 'out/b/1.png'])).toEqual([
      [undefined, 2],
      [undefined, 1],
    ]);
  });

  it('leaves inputs alone where some output is of none', () => {
    expect(grouped(['out/x.png', 'out/other.png'], ['a/x.jpg'])).toEqual([
      [undefined, 1],
      [undefined, 1],
    ]);
  });
});
