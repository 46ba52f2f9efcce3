// Options about faces that translating commands share.
import type { Options } from 'yargs';
import { FACE_MARGIN, FACE_MODES } from '../faces/square.js';

export const faceOptions = {
  face: {
    type: 'string',
    choices: FACE_MODES,
    default: 'auto',
    describe: 'Translate the largest face, or all; auto takes images of one face as they are framed',
  },
  paste: {
    type: 'boolean',
    default: false,
    describe: 'Put translated faces back into the whole image, with soft edges',
  },
  'face-margin': {
    type: 'number',
    default: FACE_MARGIN,
    describe: 'Room on each side of a face, in units of its longer side',
  },
} as const satisfies Record<string, Options>;
