import { centreSquare, type Square } from '../base/geometry.js';
import { type DecodedImage, decodeImageFile, type ImageFile, openImage } from '../data/decode.js';
import type { InputImage } from '../data/image-arrays.js';
import { DETECTOR_PX, type FaceDetector } from '../faces/detector.js';
import { type FaceMode, faceSquares, scaledFace, wholePixels } from '../faces/square.js';
import { faceName } from './output-names.js';

/** A square image of at most this many model sizes is one of a dataset: `auto` takes it as it is framed. */
const PREPARED_SIZES = 2;

export interface FaceOptions {
  mode: FaceMode;
  /** Room on each side of a face, in its longer side. */
  margin: number;
  /** Puts translated faces back into the image. */
  paste: boolean;
  /** Loads the detector, when an image first needs it. */
  detector(): Promise<FaceDetector>;
}

/** A part of an image that is translated. */
export interface Crop {
  /** What the names of its results begin with. */
  name: string;
  /** Where it was taken from, in whole px of the upright image; undefined for the centre. */
  square?: Square;
  /** In the model's size. */
  source: DecodedImage;
}

export interface DecodedInput {
  input: InputImage;
  /** Where faces are put back into it. */
  file?: ImageFile;
  /** One at least. */
  crops: Crop[];
  /** A face was looked for, and there is none: the only crop is the centre of the image, which has a square where it goes back. */
  isFaceless: boolean;
}

async function findSquares(file: ImageFile, faces: FaceOptions): Promise<Square[]> {
  const shrunk = await decodeImageFile(file, { longest: DETECTOR_PX });
  const detector = await faces.detector();
  const scale = file.width / shrunk.width;
  const found = (await detector.find(shrunk)).map((face) => scaledFace(face, scale));
  return faceSquares(faces.mode, found, file, faces.margin).map((square) => wholePixels(square, file));
}

function needsNoLook({ width, height }: ImageFile, size: number, { mode, paste }: FaceOptions): boolean {
  if (mode === 'off') return true;
  return mode === 'auto' && !paste && width === height && width <= PREPARED_SIZES * size;
}

/**
 * Decodes what is to be translated of an image, in the model's size.
 * @throws InputError for an image that cannot be read.
 */
export async function decodeInput(
  input: InputImage,
  size: number,
  faces?: FaceOptions,
): Promise<DecodedInput> {
  const file = await openImage(input.bytes ?? input.file, input.file);
  const { name } = input;
  const isLooked = faces !== undefined && !needsNoLook(file, size, faces);
  const squares = isLooked ? await findSquares(file, faces) : [];
  const isFaceless = isLooked && squares.length === 0;
  const crop = async (square: Square, of: string): Promise<Crop> => ({
    name: of,
    square,
    source: await decodeImageFile(file, { size, square }),
  });
  if (faces?.paste) {
    // What goes back has to come from somewhere.
    const some = isFaceless ? [wholePixels(centreSquare(file), file)] : squares;
    return { input, file, isFaceless, crops: await Promise.all(some.map((square) => crop(square, name))) };
  }
  if (squares.length === 0)
    return { input, isFaceless, crops: [{ name, source: await decodeImageFile(file, { size }) }] };
  const isNumbered = faces?.mode === 'all';
  const crops = squares.map((square, i) => crop(square, isNumbered ? faceName(name, i + 1) : name));
  return { input, isFaceless, crops: await Promise.all(crops) };
}
