// What a detected face is; needs nothing of Node.

/** A face: the box from forehead to chin, px from the top left corner of the image. */
export interface Face {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Confidence of the detector, 0 to 1. */
  score: number;
}

/** A longer side of an image above this, px, gains nothing: the detector scales images to 512 px itself. */
export const DETECTOR_PX = 1024;
