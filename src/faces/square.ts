// Chooses the square around a face that is cropped and translated.
import type { Extent, Square } from '../base/geometry.js';
import type { Face } from './face.js';

/** Margin on each side of a face, relative to its longer side: room for hair, chin and neck, as in face datasets. */
export const FACE_MARGIN = 0.5;
/** The centre of the head is this far above the centre of the face, relative to the height of the box, because of the hair. */
const HEAD_LIFT = 0.1;
/** If the crop exceeds this share of the image's shorter side, the image is a portrait already. */
const PORTRAIT_SHARE = 0.75;

/** Returns a square around a point, moved into the image, and shrunk if it does not fit. */
export function squareWithin(x: number, y: number, side: number, { width, height }: Extent): Square {
  const fitting = Math.min(side, width, height);
  const place = (centre: number, length: number): number =>
    Math.min(Math.max(0, centre - fitting / 2), length - fitting);
  return { left: place(x, width), top: place(y, height), side: fitting };
}

/** Returns the square around a face with room for the head, within the image. */
export function faceSquare(face: Face, image: Extent, margin = FACE_MARGIN): Square {
  const side = Math.max(face.width, face.height) * (1 + 2 * margin);
  const y = face.top + face.height * (0.5 - HEAD_LIFT);
  return squareWithin(face.left + face.width / 2, y, side, image);
}

/** Returns whether a crop of this side would be most of the image. */
export function isPortrait(side: number, { width, height }: Extent): boolean {
  return side >= PORTRAIT_SHARE * Math.min(width, height);
}

/** `auto` takes a square image up to this multiple of the model's size for a dataset image, and does not crop it. */
const PREPARED_SIZES = 2;

/** Returns whether an image looks like one that was cropped for a model of this size, px. */
export function isPrepared({ width, height }: Extent, size: number): boolean {
  return width === height && width <= PREPARED_SIZES * size;
}

/** Returns the largest square of the image that is closest to another square. */
export function widened({ left, top, side }: Square, image: Extent): Square {
  const shorter = Math.min(image.width, image.height);
  return squareWithin(left + side / 2, top + side / 2, shorter, image);
}

/**
 * Returns the square around a face as `faceSquare` does; but for a portrait the largest square near the face, so that no more
 * is cropped than necessary.
 */
export function portraitSquare(face: Face, image: Extent, margin = FACE_MARGIN): Square {
  const square = faceSquare(face, image, margin);
  return isPortrait(square.side, image) ? widened(square, image) : square;
}

/** Scales a face to the image at another size. */
export function scaledFace({ left, top, width, height, score }: Face, scale: number): Face {
  return { left: left * scale, top: top * scale, width: width * scale, height: height * scale, score };
}

/** Rounds a square to whole pixels, within the image. */
export function wholePixels({ left, top, side }: Square, { width, height }: Extent): Square {
  const whole = Math.max(1, Math.min(Math.round(side), width, height));
  const place = (at: number, length: number): number => Math.min(Math.max(0, Math.round(at)), length - whole);
  return { left: place(left, width), top: place(top, height), side: whole };
}

/** Which faces of an image are cropped; `auto` crops the largest one unless it fills the image, alone, already. */
export type FaceMode = 'auto' | 'off' | 'largest' | 'all';

export const FACE_MODES: readonly FaceMode[] = ['auto', 'off', 'largest', 'all'];

/** Returns the squares that a mode crops, that of the largest face first; none for `off` or without a face. */
export function faceSquares(
  mode: FaceMode,
  faces: readonly Face[],
  image: Extent,
  margin = FACE_MARGIN,
): Square[] {
  if (mode === 'off') return [];
  // Beside another face, more than the head would be half of that.
  if (mode === 'auto' && faces.length === 1) return [portraitSquare(faces[0]!, image, margin)];
  const chosen = mode === 'all' ? faces : faces.slice(0, 1);
  return chosen.map((face) => faceSquare(face, image, margin));
}
