// Random draws that the families of anime portraits share.
import type { Rng } from '../../base/rng.js';
import { hsl } from '../svg.js';
import {
  ACCESSORIES,
  type BackgroundKind,
  CLOTHES,
  type ClothesKind,
  EYE_SHAPES,
  FIGURES,
  HAIR_SHAPES,
  type HairShape,
} from './kinds.js';

const BOYS_HAIR: readonly HairShape[] = ['spiky', 'swept', 'short', 'curly', 'short', 'spiky'];
const BOYS_CLOTHES: readonly ClothesKind[] = ['hoodie', 'blazer', 'plain', 'turtleneck', 'kimono', 'uniform'];
const GIRLS_HAIR = HAIR_SHAPES.filter((shape) => shape !== 'spiky');

/** Figure, hair, eyes, clothes and accessory. A third are boys. */
export function drawKinds(rng: Rng) {
  const figure = rng.uniform() < 0.35 ? FIGURES[1] : FIGURES[0];
  const isBoy = figure === 'boy';
  return {
    figure,
    hairShape: rng.pick(isBoy ? BOYS_HAIR : GIRLS_HAIR),
    eyeShape: rng.pick(EYE_SHAPES),
    clothes: rng.pick(isBoy ? BOYS_CLOTHES : CLOTHES),
    accessory: rng.pick(
      isBoy ? (['none', 'none', 'none', 'glasses', 'earrings', 'ears'] as const) : ACCESSORIES,
    ),
    detail: rng.uint32(),
  };
}

/** A number with few digits, so that JSON files are short. */
export function rounded(value: number): number {
  return Number(value.toFixed(2));
}

/** Share of portraits before one plain colour, as most anime portraits are. */
const PLAIN_SHARE = 2 / 3;

/** A kind of background: `flat` for most, and otherwise one of `kinds`. */
export function drawBackground(rng: Rng, kinds: readonly BackgroundKind[]): BackgroundKind {
  return rng.uniform() < PLAIN_SHARE ? 'flat' : rng.pick(kinds);
}

/** Hues of backgrounds, degrees; none is near that of skin. */
const BACK_HUES = [76, 105, 165, 190, 208, 228, 255, 278, 305, 328];

/** A hue for the background, at least 45 degrees from that of the hair. */
export function drawBackHue(rng: Rng, hairHue: number): number {
  return rng.pick(BACK_HUES.filter((hue) => hueDistance(hue, hairHue) >= 45));
}

function hueDistance(a: number, b: number): number {
  const difference = (((a - b) % 360) + 360) % 360;
  return Math.min(difference, 360 - difference);
}

/** Two tones of a background, the second `step` lighter than the first. */
export function tonePair(hue: number, saturation: number, lightness: number, step: number): string[] {
  return [hsl(hue, saturation, lightness), hsl(hue + 12, saturation, lightness + step)];
}
