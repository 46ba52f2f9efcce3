import { basename, dirname, extname, relative, sep } from 'node:path';
import { type DecodedImage, decodeImage } from '../../data/decode.js';
import { fileImage } from '../pictures.js';
import type { Method, OutputGroup } from './method.js';

const BATCH = 8;

/** The name of a file without folders and extension. */
function stem(file: string): string {
  return basename(file, extname(file));
}

/** `NAME_style-3`, `NAME_3`, `NAME-3`: how tools number the outputs of one input. */
const NUMBERED = /^(.+?)[_-](?:style-)?\d+$/;
/** `0001_02`: input and output, as StarGAN v2 names its pictures. */
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

/**
 * Tells which outputs belong to one input. In this order: outputs that are called as an input of `inputs`, with or without
 * a number behind (`selfie7_style-3.png`); pairs of numbers (`0001_02.png`); a folder for each input; else each is alone.
 *
 * @returns groups in the order of their first files, each with the index of its input where that is known.
 */
export function groupOutputs(
  dir: string,
  files: readonly string[],
  inputs: readonly string[],
): { input: number | undefined; files: string[] }[] {
  const indexOf = new Map(inputs.map((input, i) => [stem(input), i]));
  const inputOf = (file: string): number | undefined => {
    const name = stem(file);
    return indexOf.get(name) ?? indexOf.get(NUMBERED.exec(name)?.[1] ?? '');
  };
  if (inputs.length > 0 && files.every((file) => inputOf(file) !== undefined))
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
  /** The inputs that the outputs were made from; none where they are not known. */
  inputs: readonly string[];
}

/** Another method's outputs, made before. */
export function folderMethod({ name, dir, files, inputs }: FolderMethodOptions): Method {
  const grouped = groupOutputs(dir, files, inputs);
  const counts = new Set(grouped.map((group) => group.files.length));
  async function* groups(): AsyncGenerator<OutputGroup[]> {
    for (let from = 0; from < grouped.length; from += BATCH)
      yield await Promise.all(
        grouped.slice(from, from + BATCH).map(async (group, i) => {
          const source: DecodedImage | undefined =
            group.input === undefined ? undefined : await decodeImage(inputs[group.input]!);
          const outputs = group.files.map(fileImage);
          return { input: group.input ?? from + i, outputs, ...(source !== undefined && { source }) };
        }),
      );
  }
  return {
    name,
    kind: 'folder',
    inputs: grouped.length,
    outputsPerInput: counts.size === 1 ? [...counts][0] : undefined,
    isRandom: false,
    groups,
  };
}
