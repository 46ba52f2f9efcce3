// Merges boxes that cover the same face.
import type { Face } from './face.js';

/** Boxes with more than this intersection over union are one face. */
const SAME_OVERLAP = 0.4;

/** Returns the intersection over union of two boxes. */
export function overlap(a: Face, b: Face): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a.width * a.height + b.width * b.height - common);
}

/** Of the boxes of one look that overlap by more than this, the detector keeps the one with the highest score. */
const MAX_OVERLAP = 0.5;

/** Suppresses boxes that overlap one with a higher score. @returns at most `maxBoxes`, the highest score first. */
export function strongestBoxes(boxes: readonly Face[], maxBoxes: number): Face[] {
  const strongest: Face[] = [];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    if (strongest.length === maxBoxes) break;
    if (strongest.every((other) => overlap(other, box) <= MAX_OVERLAP)) strongest.push(box);
  }
  return strongest;
}

/**
 * Averages the boxes around each face. Taking the box with the highest score instead would jump between boxes from frame to
 * frame of a video. Boxes are weighted by how far their score exceeds `minScore`, so none appears or disappears abruptly.
 *
 * @returns one box for each face with the highest score of its boxes, the highest first.
 */
export function joinBoxes(boxes: readonly Face[], minScore: number): Face[] {
  const groups: Face[][] = [];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    const group = groups.find(([best]) => overlap(best!, box) > SAME_OVERLAP);
    if (group) group.push(box);
    else groups.push([box]);
  }
  return groups.map((group) => {
    const weights = group.map(({ score }) => Math.max(1e-6, score - minScore));
    const sum = weights.reduce((a, b) => a + b, 0);
    const mean = (key: 'left' | 'top' | 'width' | 'height'): number =>
      group.reduce((total, box, i) => total + box[key] * weights[i]!, 0) / sum;
    return {
      ...{ left: mean('left'), top: mean('top'), width: mean('width'), height: mean('height') },
      score: group[0]!.score,
    };
  });
}
