import type { Tensor } from '@tensorflow/tfjs-core';
import { type Architecture, channelsAt, contentSize } from '../model/architecture.js';
import type { Generator } from '../model/generator.js';
import type { Params } from '../model/parameters.js';
import type { Program, TensorSpec } from '../runtime/capture/capture.js';
import { type Direction, NETWORK_OF, reverseOf } from './translator.js';

/** What one program does: images to content codes, content and style codes to images, images to style codes. */
export type Part = 'encode' | 'decode' | 'style';

/** A program's name: its part, the direction that it is for, the images that it takes at a time, and its set. */
export type TranslationProgram = `${Part}${Direction}x${number}${string}`;

/** @param set tells the programs of several translators apart that share a graph. */
export function programName(
  part: Part,
  direction: Direction,
  batch: number,
  set: string,
): TranslationProgram {
  return `${part}${direction}x${batch}${set}`;
}

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** The parameters of a network out of variables that are named `NETWORK/PATH`. */
export function parametersByPrefix(variables: Readonly<Record<string, Tensor>>, network: string): Params {
  const prefix = `${network}/`;
  const own = Object.entries(variables).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/**
 * The programs that translation runs, for `capture`. A graph's shapes are fixed, so there is one of each part,
 * direction and batch.
 *
 * @param batches how many images a program takes at a time; a program is recorded for each.
 * @param parametersOf gives a network's parameters (`G_A2B` or `G_B2A`) from the captured variables.
 * @param set is put behind the programs' names.
 */
export function translationPrograms(
  architecture: Architecture,
  generator: Generator,
  batches: readonly number[],
  parametersOf: (variables: Readonly<Record<string, Tensor>>, network: string) => Params,
  set = '',
): Record<TranslationProgram, Program> {
  const { size, latentDim } = architecture;
  const side = contentSize(architecture);
  const programs: Record<TranslationProgram, Program> = {};
  for (const direction of ['A2B', 'B2A'] as const) {
    const network = NETWORK_OF[direction];
    const reverse = NETWORK_OF[reverseOf(direction)];
    for (const batch of batches) {
      const images = float(batch, size, size, 3);
      programs[programName('encode', direction, batch, set)] = {
        inputs: { images },
        run(variables, inputs) {
          const params = parametersOf(variables, network);
          const codes = generator.contentHead(params, generator.stem(params, inputs.images!));
          return { outputs: { result: codes } };
        },
      };
      programs[programName('decode', direction, batch, set)] = {
        inputs: {
          codes: float(batch, side, side, channelsAt(architecture, side)),
          styles: float(batch, latentDim),
        },
        run: (variables, inputs) => {
          const params = parametersOf(variables, network);
          return { outputs: { result: generator.decode(params, inputs.codes!, inputs.styles!) } };
        },
      };
      programs[programName('style', direction, batch, set)] = {
        inputs: { images },
        run: (variables, inputs) => ({
          outputs: {
            result: generator.styleEncode(parametersOf(variables, reverse), inputs.images!),
          },
        }),
      };
    }
  }
  return programs;
}
