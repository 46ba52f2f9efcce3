import type { Face } from './detector.js';

/** Boxes that overlap by more, as a share of both together, are one face. */
const SAME_OVERLAP = 0.4;

/** Common area of two boxes over that of both together (intersection over union). */
export function overlap(a: Face, b: Face): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a.width * a.height + b.width * b.height - common);
}

/**
 * One box for each face, the mean of those around it: the surer of two may be another one in the next frame of a video.
 * A box counts by how far it is above the least score, so that none comes or goes with a jump.
 *
 * @returns them with the score of the surest, the surest first.
 */
export function joinBoxes(boxes: readonly Face[], minScore: number): Face[] {
  const groups: Face[][] = [];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    const group = groups.find(([surest]) => overlap(surest!, box) > SAME_OVERLAP);
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
