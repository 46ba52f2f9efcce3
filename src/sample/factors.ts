// The factors of portraits: content and style, with their schema and their random draws.
import { z } from 'zod';
import type { Rng } from '../base/rng.js';
import { photoStyleSchema } from './photo-style.js';
import { hsl, mix, ramp } from './svg.js';

export * from './photo-style.js';
export { drawPhotoStyle } from './photo-style-draw.js';

/** The anime style families that the sample dataset draws. */
export const FAMILIES = ['vivid', 'pastel', 'print'] as const;
export type Family = (typeof FAMILIES)[number];

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

export const ANIME_HAIR_SHAPES = ['spiky', 'bangs', 'twintails', 'swept'] as const;
export const EYE_SHAPES = ['round', 'sharp', 'droopy'] as const;
export const ANIME_CLOTHES = ['sailor', 'hoodie', 'blazer', 'plain'] as const;
export const BACKGROUNDS = {
  vivid: ['flat', 'split', 'rays', 'halftone'],
  pastel: ['bubbles', 'hearts', 'petals', 'stripes'],
  print: ['flat', 'split', 'rays', 'halftone'],
} as const;
export const ACCESSORIES = ['none', 'clip', 'ribbon', 'flower'] as const;

/** The style of an anime portrait. */
export const animeStyleSchema = z.strictObject({
  manner: z.literal('anime'),
  family: z.enum(FAMILIES),
  skin: colour,
  hair: colour,
  hairShape: z.enum(ANIME_HAIR_SHAPES),
  iris: colour,
  eyeShape: z.enum(EYE_SHAPES),
  /** Width of outlines, in hundredths of the image's size, at scale 1. */
  lineWidth: z.number().min(0.2).max(4),
  line: colour,
  clothes: z.enum(ANIME_CLOTHES),
  clothesColour: colour,
  accent: colour,
  accessory: z.enum(ACCESSORIES),
  background: z.enum([...BACKGROUNDS.vivid, ...BACKGROUNDS.pastel]),
  backgroundColours: z.array(colour).length(2),
  /** Seed of the shape of locks and of the pattern. */
  detail: seed,
});
export type AnimeStyle = z.infer<typeof animeStyleSchema>;

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

/** Draws the style of an anime portrait of one family. */
export function drawAnimeStyle(rng: Rng, family: Family): AnimeStyle {
  if (family === 'print') return drawPrintStyle(rng);
  const hairHue = rng.pick(family === 'vivid' ? VIVID_HAIR_HUES : PASTEL_HAIR_HUES) + rng.uniform(-8, 8);
  const backHue = rng.pick(BACK_HUES.filter((hue) => hueDistance(hue, hairHue) >= 45));
  const accentHue = hairHue + rng.pick([150, 180, 210]);
  const shared = {
    manner: 'anime' as const,
    family,
    hairShape: rng.pick(ANIME_HAIR_SHAPES),
    eyeShape: rng.pick(EYE_SHAPES),
    clothes: rng.pick(ANIME_CLOTHES),
    accessory: rng.pick(ACCESSORIES),
    background: rng.pick(BACKGROUNDS[family]),
    detail: rng.uint32(),
  };
  const irisHue = rng.uniform(0, 360);
  if (family === 'vivid') {
    return {
      ...shared,
      skin: ramp(['#ffe6d3', '#ffdcc2', '#f6c69f', '#d99a6c'], rng.uniform() ** 1.5),
      hair: hsl(hairHue, rng.uniform(0.7, 0.9), rng.uniform(0.45, 0.56)),
      iris: hsl(irisHue, 0.9, 0.45),
      lineWidth: round(rng.uniform(1.2, 1.7), 2),
      line: hsl(hairHue, 0.35, 0.1),
      clothesColour: rng.pick(['#2b3a8f', '#f4f4f8', '#20242f', '#1f7a63', '#5b2a86', '#2f6fd0']),
      accent: hsl(accentHue, 0.85, 0.5),
      backgroundColours: backgroundPair(backHue, rng.uniform(0.5, 0.75), rng.uniform(0.6, 0.76), -0.09),
    };
  }
  return {
    ...shared,
    skin: ramp(['#fff1ea', '#ffe8dc', '#fbdcc9', '#e9bd9f'], rng.uniform() ** 1.5),
    hair: hsl(hairHue, rng.uniform(0.45, 0.65), rng.uniform(0.74, 0.82)),
    iris: hsl(irisHue, 0.55, 0.55),
    lineWidth: round(rng.uniform(0.6, 0.85), 2),
    line: hsl(hairHue, 0.32, 0.42),
    clothesColour: hsl(accentHue, 0.35, rng.uniform(0.8, 0.9)),
    accent: hsl(accentHue, 0.55, 0.72),
    backgroundColours: backgroundPair(backHue, 0.5, rng.uniform(0.86, 0.91), 0.055),
  };
}

/** Draws a style of few inks on pale paper: a dark one, a bright one, and a warm tint for skin. */
function drawPrintStyle(rng: Rng): AnimeStyle {
  const dark = rng.pick(DARK_INKS);
  const { ink: bright, isCool } = rng.pick(BRIGHT_INKS);
  const paper = mix(PAPER, dark, rng.uniform(0.04, 0.18));
  const hasBrightHair = rng.uniform() < 0.5;
  // No background has the hue of skin.
  const ground = !hasBrightHair && isCool ? bright : paper;
  return {
    manner: 'anime',
    family: 'print',
    skin: ramp(['#fbe3cb', '#f6d2b0'], rng.uniform()),
    hair: hasBrightHair ? bright : mix(dark, PAPER, rng.uniform(0.02, 0.14)),
    hairShape: rng.pick(ANIME_HAIR_SHAPES),
    iris: bright,
    eyeShape: rng.pick(EYE_SHAPES),
    lineWidth: round(rng.uniform(1.2, 1.6), 2),
    line: dark,
    clothes: rng.pick(ANIME_CLOTHES),
    clothesColour: rng.pick(hasBrightHair ? [dark, PAPER] : [bright, PAPER]),
    accent: bright,
    accessory: rng.pick(ACCESSORIES),
    background: rng.pick(BACKGROUNDS.print),
    backgroundColours: [ground, ground === paper ? mix(paper, bright, 0.3) : mix(ground, PAPER, 0.14)],
    detail: rng.uint32(),
  };
}

const PAPER = '#f1f1ea';
const DARK_INKS = ['#1c2442', '#2a1830', '#12302f', '#33201c'];
const BRIGHT_INKS = [
  { ink: '#f0574a', isCool: false },
  { ink: '#f2a52b', isCool: false },
  { ink: '#e9679c', isCool: false },
  { ink: '#27a399', isCool: true },
  { ink: '#3d83d6', isCool: true },
  { ink: '#74ad3e', isCool: true },
];

const VIVID_HAIR_HUES = [2, 45, 135, 175, 205, 228, 265, 290, 325];
const PASTEL_HAIR_HUES = [48, 150, 180, 205, 235, 265, 300, 335];

/** Hues of backgrounds, degrees; none is near that of skin. */
const BACK_HUES = [76, 105, 165, 190, 208, 228, 255, 278, 305, 328];

function hueDistance(a: number, b: number): number {
  const turned = (((a - b) % 360) + 360) % 360;
  return Math.min(turned, 360 - turned);
}

/** Two tones of a background, the second `step` lighter than the first. */
function backgroundPair(hue: number, saturation: number, lightness: number, step: number): string[] {
  return [hsl(hue, saturation, lightness), hsl(hue + 10, saturation, lightness + step)];
}
