// What a detected face is; needs nothing of Node.

/** A face: the box from forehead to chin, px from the top left corner of the image. */
export interface Face {
  /** Distance of the box from the image's left edge, px. */
  left: number;
  /** Distance of the box from the image's top edge, px. */
  top: number;
  /** Width of the box, px. */
  width: number;
  /** Height of the box, px. */
  height: number;
  /** Confidence of the detector, 0 to 1. */
  score: number;
}

/** A longer side of an image above this, px, gains nothing: the detector scales images to 512 px itself. */
export const DETECTOR_PX = 1024;
