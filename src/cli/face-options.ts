// Options about faces that translating commands share.
import type { Argv } from 'yargs';
import type { FaceOptions } from '../faces/face-options.js';
import { FACE_MARGIN, FACE_MODES, type FaceMode } from '../faces/square.js';

/** @param defaultMode how faces are treated by default. */
export function withFaceOptions<T>(yargs: Argv<T>, defaultMode: FaceMode): Argv<T & FaceOptions> {
  return yargs
    .option('face', {
      type: 'string',
      choices: FACE_MODES,
      default: defaultMode,
      describe: 'Translate the largest face, or all; auto takes images of one face as they are framed',
    })
    .option('paste', {
      type: 'boolean',
      default: false,
      describe: 'Put translated faces back into the whole image, with soft edges',
    })
    .option('face-margin', {
      type: 'number',
      default: FACE_MARGIN,
      describe: 'Room on each side of a face, in units of its longer side',
    }) as unknown as Argv<T & FaceOptions>;
}
