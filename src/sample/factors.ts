// The factors of portraits: content and style, with their schema and their random draws.
import { z } from 'zod';
import type { Rng } from '../base/rng.js';
import { animeStyleSchema } from './anime/style.js';
import { photoStyleSchema } from './photo-style.js';

export { FAMILIES, type Family } from './anime/families.js';
export { type AnimeStyle, drawAnimeStyle } from './anime/style.js';
export * from './photo-style.js';
export { drawPhotoStyle } from './photo-style-draw.js';

const signed = z.number().min(-1).max(1);
const unit = z.number().min(0).max(1);

/** The factors that both domains share. Their distribution is the same in both. */
export const contentSchema = z.strictObject({
  /** Centre of the face from the middle of the image, in image widths, to the right. */
  x: z.number().min(-0.5).max(0.5),
  /** The same downwards, in image heights. */
  y: z.number().min(-0.5).max(0.5),
  /** Size of the head; at 1 the face is 0.42 image widths wide. */
  scale: z.number().min(0.5).max(2),
  /** Degrees, clockwise. */
  tilt: z.number().min(-45).max(45),
  /** How far the head is turned: -1 to the left of the image, 1 to the right. Datasets drawn before heads turned have none. */
  turn: signed.default(0),
  /** Horizontal gaze: -1 left, 1 right. */
  gazeX: signed,
  /** Vertical gaze: -1 up, 1 down. */
  gazeY: signed,
  /** 0 serious, 1 a broad smile. */
  smile: unit,
  /** 0 lips closed, 1 mouth wide open. */
  open: unit,
  /** 0 above the ears, 1 below the shoulders. */
  hairLength: unit,
});
export type Content = z.infer<typeof contentSchema>;

export const styleSchema = z.discriminatedUnion('manner', [photoStyleSchema, animeStyleSchema]);
export type Style = z.infer<typeof styleSchema>;

export const portraitSchema = z.strictObject({ content: contentSchema, style: styleSchema });
/** Content and style of a portrait. */
export type PortraitFactors = z.infer<typeof portraitSchema>;

const round = (value: number, digits = 4): number => Number(value.toFixed(digits)) + 0;

/** Draws the content; position within 0.12 of the size, scale 0.7 to 1.3, tilt within 20 degrees. */
export function drawContent(rng: Rng): Content {
  return {
    x: round(rng.uniform(-0.12, 0.12)),
    y: round(rng.uniform(-0.12, 0.12)),
    scale: round(rng.uniform(0.7, 1.3)),
    tilt: round(rng.uniform(-20, 20)),
    // Most people look into the camera: one head in five is turned by more than half of the greatest angle.
    turn: round(rng.uniform(-1, 1) ** 3),
    gazeX: round(rng.uniform(-1, 1)),
    gazeY: round(rng.uniform(-1, 1)),
    smile: round(rng.uniform()),
    // A third of the mouths are closed.
    open: round(Math.max(0, rng.uniform(-0.5, 1))),
    hairLength: round(rng.uniform()),
  };
}
