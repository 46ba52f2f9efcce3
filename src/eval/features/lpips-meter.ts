import type { ParameterValues } from '../../model/parameters.js';
import { concat, rows } from '../../ops/shape.js';
import type { Lpips } from '../../perceptual/lpips.js';
import { type CapturedPrograms, capture } from '../../runtime/capture/capture.js';
import { writeInPieces } from '../../runtime/capture/pieces.js';

type Shape = readonly [count: number, height: number, width: number];

/** Captured programs kept at a time; more only where pictures of several sizes take turns. */
const MOST_PROGRAMS = 2;

/**
 * LPIPS between all pairs of some pictures, each picture's features computed once, in one TensorFlow graph for each
 * number and size of pictures.
 */
export class LpipsMeter {
  private readonly programs = new Map<string, CapturedPrograms<'pairs'>>();

  constructor(
    private readonly lpips: Lpips,
    private readonly values: ParameterValues,
  ) {}

  /**
   * @param pictures `[n, height, width, 3]` in [-1, 1], n at least 2.
   * @returns the distances of all n (n - 1) / 2 pairs.
   */
  pairDistances(pictures: Float32Array, shape: Shape): Float32Array {
    if (shape[0] < 2) throw new RangeError(`a distance needs two pictures, not ${shape[0]}`);
    return this.programFor(shape).run('pairs', { pictures }).distances as Float32Array;
  }

  dispose(): void {
    for (const programs of this.programs.values()) programs.dispose();
    this.programs.clear();
  }

  private programFor(shape: Shape): CapturedPrograms<'pairs'> {
    const key = shape.join('x');
    const known = this.programs.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.programs.keys();
    if (this.programs.size >= MOST_PROGRAMS && oldest !== undefined) {
      this.programs.get(oldest)!.dispose();
      this.programs.delete(oldest);
    }
    const variables = Object.fromEntries(
      Object.entries(this.lpips.specs).map(([path, { shape }]) => [
        path,
        { shape, dtype: 'float32' as const },
      ]),
    );
    const [count] = shape;
    const programs = capture(
      {
        pairs: {
          inputs: { pictures: { shape: [...shape, 3], dtype: 'float32' } },
          run: (params, { pictures }) => {
            const features = this.lpips.features(params, pictures!);
            // Every picture beside the one k places on: differences are exact where pictures are alike.
            const shifted = Array.from({ length: count - 1 }, (_, i) => {
              const left = features.map((layer) => rows(layer, 0, count - 1 - i));
              const right = features.map((layer) => rows(layer, i + 1, count - 1 - i));
              return this.lpips.distance(params, left, right);
            });
            return { outputs: { distances: shifted.length === 1 ? shifted[0]! : concat(shifted, 0) } };
          },
        },
      },
      variables,
    );
    writeInPieces(programs, Object.entries(this.values) as [string, Float32Array][]);
    this.programs.set(key, programs);
    return programs;
  }
}
