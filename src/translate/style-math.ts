// Arithmetic on style codes: truncation and spherical interpolation.

/** Below this angle, in radians and measured from 0 or from pi, two styles determine no great circle. */
const MIN_ANGLE = 1e-4;

function norm(code: Float32Array): number {
  return Math.sqrt(code.reduce((sum, value) => sum + value * value, 0));
}

/** Pulls a style towards the mean style, which is zero: 1 keeps it as it is, 0 gives the mean. */
export function truncateStyle(code: Float32Array, truncation: number): Float32Array {
  return code.map((value) => value * truncation);
}

/**
 * Spherical linear interpolation (Shoemake 1985): the direction follows the great circle, the length changes linearly.
 *
 * Styles are drawn from a normal distribution, so they lie near a sphere. A straight line between two of them passes
 * through its inside, towards the mean style, and styles would fade on the way (to 0.71 of their length half way between
 * two that are orthogonal). The result is linear where no great circle is determined: for a style of zeros, and for equal
 * or opposite directions.
 *
 * @param share 0 gives `from`, 1 gives `to`.
 */
export function slerp(from: Float32Array, to: Float32Array, share: number): Float32Array {
  const [fromNorm, toNorm] = [norm(from), norm(to)];
  const cosine = from.reduce((sum, value, i) => sum + value * to[i]!, 0) / (fromNorm * toNorm || 1);
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const isLinear =
    fromNorm === 0 || toNorm === 0 || angle < MIN_ANGLE || Math.PI - angle < MIN_ANGLE || share === 0;
  if (isLinear || share === 1) return from.map((value, i) => value * (1 - share) + to[i]! * share);
  const length = fromNorm + (toNorm - fromNorm) * share;
  const fromWeight = (Math.sin((1 - share) * angle) / Math.sin(angle)) * (length / fromNorm);
  const toWeight = (Math.sin(share * angle) / Math.sin(angle)) * (length / toNorm);
  return from.map((value, i) => value * fromWeight + to[i]! * toWeight);
}
