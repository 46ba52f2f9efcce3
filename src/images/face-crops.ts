// Decodes the parts of an image that are translated: its faces, or its centre.
import { centreSquare, type Square } from '../base/geometry.js';
import { type DecodedImage, decodeImageFile } from '../data/decode.js';
import type { InputImage } from '../data/image-arrays.js';
import { type ImageFile, openImage } from '../data/image-file.js';
import { DETECTOR_PX, type FaceDetector } from '../faces/detector.js';
import type { Face } from '../faces/face.js';
import { type FaceMode, faceSquares, isPrepared, scaledFace, wholePixels } from '../faces/square.js';
import { mayBeTurned, OTHER_TURNS, type QuarterTurns, uprightTurn } from '../faces/turn.js';
import { turnedExtent, turnImage, unturnedSquare } from '../faces/turn-pixels.js';
import { faceName } from './output-names.js';

export interface FaceOptions {
  mode: FaceMode;
  /** Margin on each side of a face, relative to its longer side. */
  margin: number;
  /** Pastes translated faces back into the image. */
  paste: boolean;
  /** Loads the detector; called when an image first needs it. */
  detector(): Promise<FaceDetector>;
}

/** The part of an image that is translated. */
export interface Crop {
  /** Prefix of the names of its results. */
  name: string;
  /** Its place in the upright image, whole px; undefined for the centre. */
  square?: Square;
  /** The decoded part, in the model's size, turned so that its face stands upright. */
  source: DecodedImage;
  /** Clockwise turns of the source; absent for none. */
  turns?: QuarterTurns;
}

export interface DecodedInput {
  input: InputImage;
  /** The opened file, if faces are pasted back into it. */
  file?: ImageFile;
  /** At least one crop. */
  crops: Crop[];
  /** No face was found. The only crop is the centre of the image, and it has a square if it is pasted back. */
  isFaceless: boolean;
}

/** Where the faces of an image are, and how it has to be turned for them to stand upright. */
interface FoundSquares {
  squares: Square[];
  turns: QuarterTurns;
}

/** Looks at turned copies too if the image may lie on its side, as photos do whose orientation was lost. */
async function findSquares(file: ImageFile, faces: FaceOptions): Promise<FoundSquares> {
  const shrunk = await decodeImageFile(file, { longest: DETECTOR_PX });
  const detector = await faces.detector();
  const looks = new Map<QuarterTurns, readonly Face[]>([[0, await detector.find(shrunk)]]);
  if (mayBeTurned(looks.get(0)!))
    for (const turns of OTHER_TURNS) looks.set(turns, await detector.find(turnImage(shrunk, turns)));
  const turns = uprightTurn(looks);
  const scale = file.width / shrunk.width;
  const detected = looks.get(turns)!.map((face) => scaledFace(face, scale));
  const squares = faceSquares(faces.mode, detected, turnedExtent(file, turns), faces.margin);
  return { turns, squares: squares.map((square) => wholePixels(unturnedSquare(square, file, turns), file)) };
}

function skipsDetection(file: ImageFile, size: number, { mode, paste }: FaceOptions): boolean {
  if (mode === 'off') return true;
  return mode === 'auto' && !paste && isPrepared(file, size);
}

/**
 * Decodes the parts of an image that are translated, in the model's size.
 *
 * @throws InputError for an image that cannot be read.
 */
export async function decodeInput(
  input: InputImage,
  size: number,
  faces?: FaceOptions,
): Promise<DecodedInput> {
  const file = await openImage(input.bytes ?? input.file, input.file);
  const { name } = input;
  const usesDetector = faces !== undefined && !skipsDetection(file, size, faces);
  const { squares, turns }: FoundSquares = usesDetector
    ? await findSquares(file, faces)
    : { squares: [], turns: 0 };
  const isFaceless = usesDetector && squares.length === 0;
  const crop = async (square: Square, cropName: string): Promise<Crop> => ({
    name: cropName,
    square,
    source: turnImage(await decodeImageFile(file, { size, square }), turns),
    ...(turns !== 0 && { turns }),
  });
  if (faces?.paste) {
    // Without a face, the centre is translated and pasted back.
    const pasted = isFaceless ? [wholePixels(centreSquare(file), file)] : squares;
    return { input, file, isFaceless, crops: await Promise.all(pasted.map((square) => crop(square, name))) };
  }
  if (squares.length === 0)
    return { input, isFaceless, crops: [{ name, source: await decodeImageFile(file, { size }) }] };
  const isNumbered = faces?.mode === 'all';
  const crops = squares.map((square, i) => crop(square, isNumbered ? faceName(name, i + 1) : name));
  return { input, isFaceless, crops: await Promise.all(crops) };
}
