// The factors of portraits: content and style, with their schema and their random draws.
import { z } from 'zod';
import type { Rng } from '../base/rng.js';
import { animeStyleSchema } from './anime/style.js';
import { mix, ramp } from './svg.js';

export { FAMILIES, type Family } from './anime/families.js';
export { type AnimeStyle, drawAnimeStyle } from './anime/style.js';

const colour = z.string().regex(/^#[0-9a-f]{6}$/);
const signed = z.number().min(-1).max(1);
const unit = z.number().min(0).max(1);
const seed = z.int().min(0).max(0xffffffff);

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

export const PHOTO_HAIR_SHAPES = ['middle', 'side', 'fringe', 'back', 'curly'] as const;
export const PHOTO_CLOTHES = ['crew', 'shirt', 'vneck', 'turtleneck'] as const;

/** The style of a photographic portrait. */
export const photoStyleSchema = z.strictObject({
  manner: z.literal('photo'),
  skin: colour,
  hair: colour,
  hairShape: z.enum(PHOTO_HAIR_SHAPES),
  /** -1 flat, 1 full. */
  hairVolume: signed,
  /** 0 straight, 1 wavy. */
  hairWave: unit,
  iris: colour,
  /** -1 narrow, 1 broad. */
  jaw: signed,
  /** -1 narrow, 1 wide open. */
  eyeOpening: signed,
  brows: unit,
  lips: colour,
  /** Direction of the light: -1 from the left, 1 from the right. */
  light: signed,
  clothes: z.enum(PHOTO_CLOTHES),
  clothesColour: colour,
  background: z.array(colour).length(3),
  /** Standard deviation of the sensor noise, of 255 levels. */
  noise: z.number().min(0).max(20),
  /** Standard deviation of the lens blur, in hundredths of the image's size. */
  blur: z.number().min(0).max(3),
  /** Seed of strands, bokeh and noise. */
  detail: seed,
});
export type PhotoStyle = z.infer<typeof photoStyleSchema>;

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
    turn: round(rng.uniform(-1, 1)),
    gazeX: round(rng.uniform(-1, 1)),
    gazeY: round(rng.uniform(-1, 1)),
    smile: round(rng.uniform()),
    // A third of the mouths are closed.
    open: round(Math.max(0, rng.uniform(-0.5, 1))),
    hairLength: round(rng.uniform()),
  };
}

const SKIN_TONES = ['#f3d9c9', '#eac6ab', '#dcae8c', '#c79068', '#a8714c', '#835237', '#60392a'];
const NATURAL_HAIR = ['#17120f', '#2b1d16', '#442b1d', '#6b452b', '#94693f', '#c39a5f', '#8c3f22', '#8d8a87'];
const DARK_HAIR = ['#141011', '#1d1512', '#2b1d16', '#38241a'];
const IRIS_NATURAL = ['#4a2f1d', '#5e3c22', '#6d5a32', '#55704a', '#4c7396', '#7c919f'];
const DARK_IRIS = ['#2c1b12', '#3d2618', '#4a2f1d'];
/** Cool, so that no background has the hue of skin. */
const PHOTO_BACKGROUNDS = [
  ['#9aa9b5', '#c9d2d8', '#75858f'],
  ['#5f8a66', '#a9c79a', '#3c6150'],
  ['#7ba7cf', '#cfe2ef', '#5c86b3'],
  ['#46586d', '#6f8aa3', '#2b3a4e'],
  ['#8d86a8', '#c3bdd6', '#625b80'],
  ['#4d7f86', '#93bfbf', '#2f575f'],
  ['#d5dade', '#eef1f3', '#b4bcc3'],
];
const PHOTO_CLOTHES_COLOURS = [
  '#2f3e52',
  '#e9ebec',
  '#3d5c4b',
  '#50608e',
  '#6b7683',
  '#26282c',
  '#5b3f63',
  '#8fb0c2',
];

/** Draws the style of a photographic portrait. */
export function drawPhotoStyle(rng: Rng): PhotoStyle {
  const tone = rng.uniform() ** 1.2;
  const skin = ramp(SKIN_TONES, tone);
  const dark = tone > 0.6;
  const hair = mix(rng.pick(dark ? DARK_HAIR : NATURAL_HAIR), '#201816', rng.uniform(0, 0.25));
  return {
    manner: 'photo',
    skin,
    hair,
    hairShape: rng.pick(PHOTO_HAIR_SHAPES),
    hairVolume: round(rng.uniform(-1, 1)),
    hairWave: round(rng.uniform()),
    iris: rng.pick(dark ? DARK_IRIS : IRIS_NATURAL),
    jaw: round(rng.uniform(-1, 1)),
    eyeOpening: round(rng.uniform(-1, 1)),
    brows: round(rng.uniform()),
    lips: mix(skin, rng.pick(['#a8413f', '#b8566a', '#8f3f3a']), rng.uniform(0.35, 0.6)),
    light: rng.pick([-1, 1]) * round(rng.uniform(0.4, 1)),
    clothes: rng.pick(PHOTO_CLOTHES),
    clothesColour: rng.pick(PHOTO_CLOTHES_COLOURS),
    background: [...rng.pick(PHOTO_BACKGROUNDS)],
    noise: round(rng.uniform(1.5, 4), 2),
    blur: round(rng.uniform(0.25, 0.5), 3),
    detail: rng.uint32(),
  };
}
