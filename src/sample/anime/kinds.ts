// The kinds of hair, eyes, clothes, accessories and backgrounds that anime portraits have.
export const FIGURES = ['girl', 'boy'] as const;

export const HAIR_SHAPES = [
  'spiky',
  'bangs',
  'twintails',
  'swept',
  'bob',
  'ponytail',
  'long',
  'braids',
  'curly',
  'short',
] as const;
export type HairShape = (typeof HAIR_SHAPES)[number];

export const EYE_SHAPES = ['round', 'sharp', 'droopy', 'narrow'] as const;
export type EyeShape = (typeof EYE_SHAPES)[number];

export const CLOTHES = [
  'sailor',
  'hoodie',
  'blazer',
  'plain',
  'turtleneck',
  'kimono',
  'uniform',
  'dress',
] as const;
export type ClothesKind = (typeof CLOTHES)[number];

export const ACCESSORIES = [
  'none',
  'clip',
  'ribbon',
  'flower',
  'band',
  'glasses',
  'earrings',
  'ears',
] as const;
export type AccessoryKind = (typeof ACCESSORIES)[number];

export const BACKGROUNDS = [
  'flat',
  'split',
  'rays',
  'halftone',
  'stripes',
  'glow',
  'bubbles',
  'hearts',
  'petals',
  'clouds',
  'sun',
  'hills',
  'waves',
] as const;
export type BackgroundKind = (typeof BACKGROUNDS)[number];
