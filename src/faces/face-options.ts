// Checks the options about faces that translations of images and of videos share.
import { InputError } from '../base/errors.js';
import type { FaceMode } from './square.js';

const MAX_MARGIN = 10;

/** Options about faces, as users give them. */
export interface FaceOptions {
  face: FaceMode;
  /** Whether translated faces go back into the whole image. */
  paste: boolean;
  /** Room on each side of a face, in units of its longer side. */
  faceMargin: number;
}

/** @throws InputError, in the command line's spelling, for options that exclude each other, and a margin out of range. */
export function checkFaceOptions({ face, paste, faceMargin }: FaceOptions): void {
  if (paste && face === 'off')
    throw new InputError({
      expected: '--face auto, largest or all with --paste',
      found: '--face off',
      remedy: 'leave one of them out: --paste puts back the faces that --face takes out',
    });
  if (!(faceMargin >= 0 && faceMargin <= MAX_MARGIN))
    throw new InputError({
      expected: `--face-margin to be from 0 to ${MAX_MARGIN}`,
      found: String(faceMargin),
      remedy: 'change it',
    });
}
