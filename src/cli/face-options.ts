import type { Argv } from 'yargs';
import type { LazyFaceDetector } from '../faces/detector.js';
import { FACE_MARGIN, FACE_MODES, type FaceMode } from '../faces/square.js';
import { checkNumber } from './style-options.js';

/** The options about faces that translating commands share. */
export interface FaceArguments {
  face: FaceMode;
  paste: boolean;
  faceMargin: number;
}

/** @param usual what is done where nobody says anything about faces. */
export function withFaceOptions<T>(yargs: Argv<T>, usual: FaceMode): Argv<T & FaceArguments> {
  return yargs
    .option('face', {
      type: 'string',
      choices: FACE_MODES,
      default: usual,
      describe: 'Translate the largest face, or all; auto takes pictures of one face as they are framed',
    })
    .option('paste', {
      type: 'boolean',
      default: false,
      describe: 'Put translated faces back into the whole picture, with soft edges',
    })
    .option('face-margin', {
      type: 'number',
      default: FACE_MARGIN,
      describe: 'Room on each side of a face, in its longer side',
    }) as unknown as Argv<T & FaceArguments>;
}

/**
 * Checks the options about faces.
 * @returns the detector for them, which the caller disposes.
 * @throws InputError for options that mean nothing together, and a margin out of range.
 */
export async function chooseFaces({ face, paste, faceMargin }: FaceArguments): Promise<LazyFaceDetector> {
  const { InputError } = await import('../base/errors.js');
  if (paste && face === 'off')
    throw new InputError({
      expected: '--face auto, largest or all with --paste',
      found: '--face off',
      remedy: 'leave one of them out: what is not taken out cannot be put back',
    });
  await checkNumber(faceMargin >= 0 && faceMargin <= 10, 'face-margin', 'from 0 to 10', faceMargin);
  const { lazyFaceDetector } = await import('../faces/detector.js');
  return lazyFaceDetector();
}
