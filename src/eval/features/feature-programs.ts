// The programs of the feature networks: Inception, and LPIPS in two halves.
import { broadcastTo } from '../../ops/arithmetic.js';
import { INCEPTION_PX, type Inception } from '../../perceptual/inception.js';
import type { Lpips } from '../../perceptual/lpips.js';
import type { Program, TensorSpec } from '../../runtime/capture/capture.js';

/** Arguments of `capture`. */
export interface FeaturePrograms<P extends string = string> {
  programs: Record<P, Program>;
  variables: Record<string, TensorSpec>;
}

const float = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'float32' });

export const inceptionProgramName = (batch: number): string => `batch${batch}`;

/** Programs for the features of `batch` images, for each of `batches`. */
export function inceptionPrograms(inception: Inception, batches: readonly number[]): FeaturePrograms {
  const programOf = (count: number): Program => ({
    inputs: { images: float([count, INCEPTION_PX, INCEPTION_PX, 3]) },
    run: (params, { images }) => ({ outputs: { features: inception.features(params, images!) } }),
  });
  return {
    programs: Object.fromEntries(batches.map((count) => [inceptionProgramName(count), programOf(count)])),
    variables: Object.fromEntries(
      Object.entries(inception.specs).map(([path, { shape }]) => [path, float(shape)]),
    ),
  };
}

/**
 * A program for LPIPS's features of `batch` images: `layer0`, `layer1`, ... Recording it fills `layers` with the shapes
 * of one image's features.
 */
export function lpipsFeaturePrograms(
  lpips: Lpips,
  [batch, height, width]: readonly [batch: number, height: number, width: number],
): FeaturePrograms<'features'> & { layers: number[][] } {
  const layers: number[][] = [];
  const features: Program = {
    inputs: { images: float([batch, height, width, 3]) },
    run: (params, { images }) => {
      const features = lpips.features(params, images!);
      layers.push(...features.map(({ shape }) => shape.slice(1)));
      return { outputs: Object.fromEntries(features.map((layer, k) => [`layer${k}`, layer])) };
    },
  };
  return { programs: { features }, variables: lpipsVariables(lpips, false), layers };
}

/**
 * A program for LPIPS between one image (`left0`, ...) and each of `batch` others (`right0`, ...), all given by their
 * features.
 */
export function lpipsDistancePrograms(
  lpips: Lpips,
  batch: number,
  layers: readonly (readonly number[])[],
): FeaturePrograms<'distances'> {
  const inputs = layers.flatMap((shape, k): [string, TensorSpec][] => [
    [`left${k}`, float([1, ...shape])],
    [`right${k}`, float([batch, ...shape])],
  ]);
  const distances: Program = {
    inputs: Object.fromEntries(inputs),
    run: (params, features) => {
      const left = layers.map((shape, k) => broadcastTo(features[`left${k}`]!, [batch, ...shape]));
      const right = layers.map((_, k) => features[`right${k}`]!);
      return { outputs: { distances: lpips.distance(params, left, right) } };
    },
  };
  return { programs: { distances }, variables: lpipsVariables(lpips, true) };
}

/** Whether a parameter of LPIPS belongs to the linear layers, which compute distances, and not to the trunk. */
export const isLinearPath = (path: string): boolean => path.startsWith('lin');

function lpipsVariables(lpips: Lpips, isLinear: boolean): Record<string, TensorSpec> {
  const specs = Object.entries(lpips.specs).filter(([path]) => isLinearPath(path) === isLinear);
  return Object.fromEntries(specs.map(([path, { shape }]) => [path, float(shape)]));
}
