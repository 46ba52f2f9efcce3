// Heads of photographic portraits.
import { mix, symmetricPath } from './svg.js';

/** Outline of the head in head coordinates. @param jaw from -1 (narrow) to 1 (broad). */
export function headPath(jaw: number): string {
  const w = 20.4 + 0.7 * jaw;
  return symmetricPath(-29.5, [
    [12, -29.5, w - 0.5, -20, w, -6],
    [w + 0.3, 3, w - 1.2, 10, 13.6 + 1.6 * jaw, 19],
    [10 + 1.6 * jaw, 24, 5.5 + jaw, 27.2, 0, 27.4],
  ]);
}

/** The colour of skin in shadow: darker and redder. */
export function shadowOf(skin: string): string {
  return mix(skin, '#4a1c12', 0.48);
}
