// What a video translation is asked for, and which requests make sense.
import { InputError } from '../base/errors.js';
import { checkFaceOptions } from '../faces/face-options.js';
import { FACE_MARGIN, type FaceMode } from '../faces/square.js';
import { MOSAIC_STYLES } from './canvas.js';

/** A progress report of `translateVideoFile`. */
export interface VideoProgress {
  /** What is under way. */
  stage: 'reading times' | 'looking for faces' | 'translating';
  /** Frames that are done. */
  frames: number;
  /** Frames of the whole video; undefined if the file does not say. */
  totalFrames: number | undefined;
}

/** A video to translate, and how it is shown. */
export interface VideoRequest {
  /** A checkpoint, a run (its newest checkpoint), or an exported model. */
  checkpoint: string;
  /** Path of the video. */
  input: string;
  /** Path of the video to write: .mp4, .m4v, .mov, .mkv or .webm. */
  output: string;
  /** Side of the output, px: an even number from 16 to 8192. By default the model's, or three times that for a mosaic. */
  size?: number | undefined;
  /** Shows the original in the middle of eight styles. */
  mosaic?: boolean | undefined;
  /** Goes smoothly from style to style, in this many seconds each. By default the style stays. */
  styleSeconds?: number | undefined;
  /**
   * Which faces are translated: the centre of the frames for `off`, the default. `largest` and `all` look for faces five times a
   * second; `auto` looks for the largest as often as takes at most a quarter of the time, and keeps portraits as they are framed.
   */
  face?: FaceMode | undefined;
  /** Room on each side of a face, in units of its longer side; 0.5 by default. */
  faceMargin?: number | undefined;
  /** Puts translated faces back into the whole frames. */
  paste?: boolean | undefined;
  /** Stops the translation; the output is not written then. */
  signal?: AbortSignal | undefined;
  /** Called with the progress of each stage. */
  onProgress?: ((progress: VideoProgress) => void) | undefined;
  /** Called with a sentence for each thing that a user should know, such as a video without faces. */
  onNotice?: ((text: string) => void) | undefined;
  /** Called with the SHA-256 of the model's weights once the model is loaded. */
  onModel?: ((sha256: string) => void) | undefined;
}

/** Number of styles that take turns by default. */
export const DEFAULT_ROUND = 4;

/** How many random styles a request shows by default, and how many styles it needs at least. */
export function styleCounts({ mosaic, styleSeconds }: Pick<VideoRequest, 'mosaic' | 'styleSeconds'>): {
  defaultCount: number;
  minCount: number;
} {
  if (mosaic) return { defaultCount: MOSAIC_STYLES, minCount: MOSAIC_STYLES };
  return styleSeconds === undefined
    ? { defaultCount: 1, minCount: 0 }
    : { defaultCount: DEFAULT_ROUND, minCount: 2 };
}

function checkFaces(request: VideoRequest): void {
  const { face = 'off', faceMargin = FACE_MARGIN, paste = false, mosaic, size } = request;
  checkFaceOptions({ face, faceMargin, paste });
  const clashing = [...(mosaic ? ['--mosaic'] : []), ...(size === undefined ? [] : ['--size'])];
  if (paste && clashing.length > 0)
    throw new InputError({
      expected: '--paste alone, whose video is as large as the input',
      found: `it with ${clashing.join(', ')}`,
      remedy: 'leave one out',
    });
  if (face === 'all' && !paste)
    throw new InputError({
      expected: '--paste with --face all: a video shows one image at a time',
      found: 'it alone',
      remedy: 'add --paste, or take --face largest',
    });
}

/**
 * Checks options that exclude each other, and ranges.
 * @throws InputError that names options as `gnr video` spells them.
 */
export function checkRequest(request: VideoRequest): void {
  const { size, styleSeconds } = request;
  checkFaces(request);
  if (size !== undefined && !(Number.isInteger(size / 2) && size >= 16 && size <= 8192))
    throw new InputError({
      expected: '--size to be an even number from 16 to 8192',
      found: String(size),
      remedy: 'change it',
    });
  if (styleSeconds !== undefined && !(styleSeconds > 0 && Number.isFinite(styleSeconds)))
    throw new InputError({
      expected: '--style-seconds to be above 0',
      found: String(styleSeconds),
      remedy: 'change it',
    });
}

/** @throws InputError if a request cannot show this number of styles. */
export function checkStyleCount({ mosaic, styleSeconds }: VideoRequest, count: number): void {
  const reject = (expected: string, remedy: string) =>
    new InputError({ expected, found: String(count), remedy });
  if (mosaic && count !== MOSAIC_STYLES)
    throw reject(`${MOSAIC_STYLES} styles for --mosaic`, `give ${MOSAIC_STYLES}, or leave --styles out`);
  if (styleSeconds !== undefined && count < 2)
    throw reject('two styles or more to change between', 'add --styles, --style-image or --style-code');
  if (!mosaic && styleSeconds === undefined && count > 1)
    throw reject(
      'one style',
      'add --mosaic to see them beside each other, or --style-seconds to see them one after another',
    );
}
