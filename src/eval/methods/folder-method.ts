// A folder of another method's outputs, grouped by input.
import { basename, dirname, extname, relative, sep } from 'node:path';
import { decodeImage } from '../../data/decode.js';
import { isOwn, WHOLE } from '../../distributed/share.js';
import { fileImage } from '../measured-image.js';
import { BATCH, type Method, type OutputGroup } from './method.js';

/** The name of a file without folders and extension. */
function stem(file: string): string {
  return basename(file, extname(file));
}

/** `NAME_style-3`, `NAME_3`, `NAME-3`: the ways in which tools number the outputs of one input. */
const NUMBERED = /^(.+?)[_-](?:style-)?\d+$/;
/** `0001_02`: input and output, as StarGAN v2 names its images. */
const TWO_NUMBERS = /^(\d+)_\d+$/;

function groupsBy(files: readonly string[], keyOf: (file: string) => string): string[][] {
  const byKey = new Map<string, string[]>();
  for (const file of files) {
    const key = keyOf(file);
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [file]);
    else group.push(file);
  }
  return [...byKey.values()];
}

/** The path below a folder, without the extension. */
function pathStem(dir: string, file: string): string {
  const path = relative(dir, file);
  return path.slice(0, path.length - extname(file).length);
}

/**
 * Returns a function that finds the input that an output is named after: by its path below the folders, else by a file
 * name that only one input has.
 */
function inputFinder(dir: string, inputs: InputFiles): (file: string) => number | undefined {
  const byPath = new Map(inputs.files.map((input, i) => [pathStem(inputs.dir, input), i]));
  const byName = new Map<string, number | undefined>();
  for (const [i, input] of inputs.files.entries())
    byName.set(stem(input), byName.has(stem(input)) ? undefined : i);
  return (file) => {
    const path = pathStem(dir, file);
    const name = stem(file);
    const withoutNumber = (text: string): string => NUMBERED.exec(text)?.[1] ?? '';
    return (
      byPath.get(path) ??
      byPath.get(withoutNumber(path)) ??
      byName.get(name) ??
      byName.get(withoutNumber(name))
    );
  };
}

/** The possible inputs of the outputs. */
export interface InputFiles {
  dir: string;
  files: readonly string[];
}

export interface OutputFiles {
  /** Index of the input; undefined if it is unknown. */
  input: number | undefined;
  files: string[];
}

/**
 * Groups outputs by their input. In this order: outputs named like an input, with or without a number at the end
 * (`selfie7_style-3.png`); pairs of numbers (`0001_02.png`); a folder for each input; otherwise each output is alone.
 *
 * @returns groups in the order of their first files.
 */
export function groupOutputs(dir: string, files: readonly string[], inputs: InputFiles): OutputFiles[] {
  const inputOf = inputFinder(dir, inputs);
  if (inputs.files.length > 0 && files.every((file) => inputOf(file) !== undefined))
    return groupsBy(files, (file) => String(inputOf(file))).map((group) => ({
      input: inputOf(group[0]!),
      files: group,
    }));
  const unknown = (groups: string[][]) => groups.map((group) => ({ input: undefined, files: group }));
  if (files.every((file) => TWO_NUMBERS.test(stem(file))))
    return unknown(groupsBy(files, (file) => TWO_NUMBERS.exec(stem(file))![1]!));
  if (files.every((file) => relative(dir, file).includes(sep))) return unknown(groupsBy(files, dirname));
  return unknown(files.map((file) => [file]));
}

export interface FolderMethodOptions {
  name: string;
  dir: string;
  files: readonly string[];
  /** All inputs that the outputs may be named after; empty if they are unknown. */
  inputs: InputFiles;
  /** How many inputs, from the first, are evaluated; outputs of the others are skipped. */
  chosenInputs: number;
}

/** A method whose outputs exist as files. */
export function folderMethod({ name, dir, files, inputs, chosenInputs }: FolderMethodOptions): Method {
  const all = groupOutputs(dir, files, inputs);
  const grouped = all.filter(({ input }) => input === undefined || input < chosenInputs);
  const counts = new Set(grouped.map((group) => group.files.length));
  async function* groups(_seed: number, share = WHOLE): AsyncGenerator<OutputGroup[]> {
    for (let from = 0; from < grouped.length; from += BATCH) {
      if (!isOwn(share, from / BATCH)) continue;
      yield await Promise.all(
        grouped.slice(from, from + BATCH).map(async ({ input, files: outputs }) => {
          const source = input === undefined ? undefined : await decodeImage(inputs.files[input]!);
          return { input, outputs: outputs.map(fileImage), ...(source !== undefined && { source }) };
        }),
      );
    }
  }
  return {
    name,
    kind: 'folder',
    inputs: grouped.length,
    outputsPerInput: counts.size === 1 ? [...counts][0] : undefined,
    outputs: grouped.reduce((sum, group) => sum + group.files.length, 0),
    isRandom: false,
    firstSize: () => decodeImage(grouped[0]!.files[0]!),
    groups,
  };
}
