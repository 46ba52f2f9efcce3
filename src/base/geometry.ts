/** Width and height, px. */
export interface Extent {
  width: number;
  height: number;
}

/** A square part of a picture. */
export interface Square {
  /** Its left edge, px from that of the picture. */
  left: number;
  /** Its upper edge, px from that of the picture. */
  top: number;
  /** Its width and height, px. */
  side: number;
}

/** The largest square around the centre. */
export function centreSquare({ width, height }: Extent): Square {
  const side = Math.min(width, height);
  return { left: (width - side) / 2, top: (height - side) / 2, side };
}
