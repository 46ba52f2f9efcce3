// Sizes and squares of images.

/** Width and height, px. */
export interface Extent {
  width: number;
  height: number;
}

/** A square part of an image. */
export interface Square {
  /** Distance from the image's left edge, px. */
  left: number;
  /** Distance from the image's top edge, px. */
  top: number;
  /** Width and height, px. */
  side: number;
}

/** The largest square around the centre of an image. */
export function centreSquare({ width, height }: Extent): Square {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}
