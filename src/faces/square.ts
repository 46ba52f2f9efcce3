import type { Extent, Square } from '../base/geometry.js';
import type { Face } from './detector.js';

/** Room on each side of a face, in its longer side: hair, chin and neck, as face datasets are cropped. */
export const FACE_MARGIN = 0.5;
/** Hair is above the box of a face; so far up, in the box's height, is the middle of a head. */
const HEAD_LIFT = 0.1;
/** A crop of a larger share of the image's shorter side than this is of an image that shows a face already. */
const PORTRAIT_SHARE = 0.75;

/** A square around a point, moved into the image, and made smaller where that has no room for it. */
export function squareWithin(x: number, y: number, side: number, { width, height }: Extent): Square {
  const fitting = Math.min(side, width, height);
  const place = (centre: number, length: number): number =>
    Math.min(Math.max(0, centre - fitting / 2), length - fitting);
  return { left: place(x, width), top: place(y, height), side: fitting };
}

/** The square around a face with room for the head, within the image. */
export function faceSquare(face: Face, image: Extent, margin = FACE_MARGIN): Square {
  const side = Math.max(face.width, face.height) * (1 + 2 * margin);
  const y = face.top + face.height * (0.5 - HEAD_LIFT);
  return squareWithin(face.left + face.width / 2, y, side, image);
}

/** Whether a crop of this side would be most of the image. */
export function isPortrait(side: number, { width, height }: Extent): boolean {
  return side >= PORTRAIT_SHARE * Math.min(width, height);
}

/** The largest square of an image near another one. */
export function widened({ left, top, side }: Square, image: Extent): Square {
  const shorter = Math.min(image.width, image.height);
  return squareWithin(left + side / 2, top + side / 2, shorter, image);
}

/**
 * The square around a face as `faceSquare`; but where the image is a portrait already, the largest square there is,
 * near the face: nothing is cut off that need not be.
 */
export function portraitSquare(face: Face, image: Extent, margin = FACE_MARGIN): Square {
  const square = faceSquare(face, image, margin);
  return isPortrait(square.side, image) ? widened(square, image) : square;
}

/** A face in the image at another size. */
export function scaledFace({ left, top, width, height, score }: Face, scale: number): Face {
  return { left: left * scale, top: top * scale, width: width * scale, height: height * scale, score };
}

/** The square in whole pixels, within the image still. */
export function wholePixels({ left, top, side }: Square, { width, height }: Extent): Square {
  const whole = Math.max(1, Math.min(Math.round(side), width, height));
  const place = (at: number, length: number): number => Math.min(Math.max(0, Math.round(at)), length - whole);
  return { left: place(left, width), top: place(top, height), side: whole };
}

/** What to do about the faces of an image; `auto`: the largest one, unless it fills the image already. */
export type FaceMode = 'auto' | 'off' | 'largest' | 'all';

export const FACE_MODES: readonly FaceMode[] = ['auto', 'off', 'largest', 'all'];

/** The squares that a mode takes out of an image, the largest face's first; none where there is no face, or for `off`. */
export function faceSquares(
  mode: FaceMode,
  faces: readonly Face[],
  image: Extent,
  margin = FACE_MARGIN,
): Square[] {
  if (mode === 'off') return [];
  if (mode === 'auto') return faces.slice(0, 1).map((face) => portraitSquare(face, image, margin));
  const some = mode === 'all' ? faces : faces.slice(0, 1);
  return some.map((face) => faceSquare(face, image, margin));
}
