// The style factors of anime portraits.
import { z } from 'zod';
import type { Rng } from '../../base/rng.js';
import { FAMILIES, type Family, MANNERS } from './families.js';
import { ACCESSORIES, BACKGROUNDS, CLOTHES, EYE_SHAPES, FIGURES, HAIR_SHAPES } from './kinds.js';

const colour = z.string().regex(/^#[0-9a-f]{6}$/);

/** The style of an anime portrait. */
export const animeStyleSchema = z.strictObject({
  manner: z.literal('anime'),
  family: z.enum(FAMILIES),
  /** Datasets drawn before there were boys have none. */
  figure: z.enum(FIGURES).default('girl'),
  skin: colour,
  hair: colour,
  hairShape: z.enum(HAIR_SHAPES),
  iris: colour,
  eyeShape: z.enum(EYE_SHAPES),
  /** Width of outlines, in hundredths of the image's size, at scale 1. */
  lineWidth: z.number().min(0.2).max(4),
  line: colour,
  clothes: z.enum(CLOTHES),
  clothesColour: colour,
  accent: colour,
  accessory: z.enum(ACCESSORIES),
  background: z.enum(BACKGROUNDS),
  backgroundColours: z.array(colour).length(2),
  /** Seed of the shape of locks and of the pattern. */
  detail: z.int().min(0).max(0xffffffff),
});
export type AnimeStyle = z.infer<typeof animeStyleSchema>;

/** Draws the style of an anime portrait of one family. */
export function drawAnimeStyle(rng: Rng, family: Family): AnimeStyle {
  return { manner: 'anime', family, ...MANNERS[family].drawStyle(rng) };
}
