// The graphs that translation captures: encode, decode and style, for each direction and batch size.
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Architecture, channelsAt, contentSize } from '../model/architecture.js';
import type { Generator } from '../model/generator.js';
import { GENERATOR_NAMES } from '../model/networks.js';
import type { Params } from '../model/parameters.js';
import type { Program, TensorSpec } from '../runtime/capture/capture.js';
import { type Direction, NETWORK_OF, reverseOf } from './translator.js';

/** The part of a translation that a program runs: images to content codes, codes to images, or images to style codes. */
export type Part = 'encode' | 'decode' | 'style';

/** The name of a program: its part, direction, batch size and set. */
export type TranslationProgram = `${Part}${Direction}x${number}${string}`;

/** Names a program. @param set distinguishes the programs of several translators in one graph. */
export function programName(
  part: Part,
  direction: Direction,
  batch: number,
  set: string,
): TranslationProgram {
  return `${part}${direction}x${batch}${set}`;
}

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** Selects the parameters of a network from variables named `NETWORK/PATH`. */
export function parametersByPrefix(variables: Readonly<Record<string, Tensor>>, network: string): Params {
  const prefix = `${network}/`;
  const entries = Object.entries(variables).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(entries.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/**
 * Makes the programs of translation, for `capture`. The shapes of a graph are fixed, so there is a program for each part,
 * direction and batch size.
 *
 * @param batches the batch sizes.
 * @param parametersOf returns the parameters of a network (`G_A2B` or `G_B2A`) from the captured variables.
 * @param set suffix of the programs' names.
 * @param networks the generators that there are; without one of them, its programs are left out.
 */
export function translationPrograms(
  architecture: Architecture,
  generator: Generator,
  batches: readonly number[],
  parametersOf: (variables: Readonly<Record<string, Tensor>>, network: string) => Params,
  set = '',
  networks: readonly string[] = GENERATOR_NAMES,
): Record<TranslationProgram, Program> {
  const { size, latentDim } = architecture;
  const side = contentSize(architecture);
  const programs: Record<TranslationProgram, Program> = {};
  for (const direction of ['A2B', 'B2A'] as const) {
    const network = NETWORK_OF[direction];
    const reverse = NETWORK_OF[reverseOf(direction)];
    for (const batch of batches) {
      const images = float(batch, size, size, 3);
      if (networks.includes(network)) {
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
      }
      if (networks.includes(reverse))
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
