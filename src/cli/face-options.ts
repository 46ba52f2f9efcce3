import type { Argv } from 'yargs';
import type { FaceDetector } from '../faces/detector.js';
import type { FaceMode } from '../faces/square.js';
import type { FaceOptions } from '../translate/face-crops.js';

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
      choices: ['auto', 'off', 'largest', 'all'] as const,
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
      default: 0.5,
      describe: 'Room on each side of a face, in its longer side',
    }) as unknown as Argv<T & FaceArguments>;
}

/** A detector that is loaded when it is first asked for. */
export interface LazyDetector {
  get(): Promise<FaceDetector>;
  dispose(): Promise<void>;
}

function lazyDetector(): LazyDetector {
  let loading: Promise<FaceDetector> | undefined;
  return {
    get() {
      loading ??= import('../faces/detector.js').then(({ loadFaceDetector }) => loadFaceDetector());
      return loading;
    },
    dispose: async () => (await loading)?.dispose(),
  };
}

/** @throws InputError for options that mean nothing together, and a margin out of range. */
export async function chooseFaces({
  face,
  paste,
  faceMargin,
}: FaceArguments): Promise<{ faces: FaceOptions; detector: LazyDetector }> {
  const { InputError } = await import('../errors.js');
  if (paste && face === 'off')
    throw new InputError({
      expected: '--face auto, largest or all with --paste',
      found: '--face off',
      remedy: 'leave one of them out: what is not taken out cannot be put back',
    });
  if (!(faceMargin >= 0 && faceMargin <= 10))
    throw new InputError({
      expected: '--face-margin to be from 0 to 10',
      found: String(faceMargin),
      remedy: 'change it',
    });
  const detector = lazyDetector();
  return {
    faces: { mode: face, margin: faceMargin, paste, detector: () => detector.get() },
    detector,
  };
}
