// The style of photographic portraits: its factors and their schema.
import { z } from 'zod';

const colour = z.string().regex(/^#[0-9a-f]{6}$/);
const signed = z.number().min(-1).max(1);
const unit = z.number().min(0).max(1);

/** How hair falls over the forehead; `curly` also sets its texture. */
export const PHOTO_HAIR_SHAPES = ['middle', 'side', 'fringe', 'back', 'curly', 'afro'] as const;
/** What hair looks like if the content says that it is short. */
export const PHOTO_CUTS = ['crop', 'quiff', 'buzz', 'receding', 'crown', 'bald'] as const;
/** How hair is worn if the content says that it is long. */
export const PHOTO_TIES = ['loose', 'ponytail', 'bun', 'braids'] as const;
export const PHOTO_BEARDS = ['none', 'stubble', 'moustache', 'goatee', 'short', 'full'] as const;
export const PHOTO_GLASSES = ['none', 'thin', 'thick', 'sun'] as const;
export const PHOTO_HATS = ['none', 'beanie', 'cap', 'brim', 'hood', 'scarf'] as const;
export const PHOTO_EXTRAS = ['none', 'earrings', 'headphones', 'hand', 'lock'] as const;
export const PHOTO_CLOTHES = [
  'crew',
  'shirt',
  'vneck',
  'turtleneck',
  'hoodie',
  'suit',
  'stripes',
  'tank',
] as const;
export const PHOTO_SCENES = [
  'wall',
  'bokeh',
  'sky',
  'foliage',
  'window',
  'shelves',
  'door',
  'street',
] as const;

/** The style of a photographic portrait. Fields with a default are missing in datasets drawn before them. */
export const photoStyleSchema = z.strictObject({
  manner: z.literal('photo'),
  skin: colour,
  hair: colour,
  hairShape: z.enum(PHOTO_HAIR_SHAPES),
  cut: z.enum(PHOTO_CUTS).default('crop'),
  tie: z.enum(PHOTO_TIES).default('loose'),
  /** -1 flat, 1 full. */
  hairVolume: signed,
  /** 0 straight, 1 wavy. */
  hairWave: unit,
  iris: colour,
  /** 0 a young adult, 1 an old one. */
  age: unit.default(0.2),
  /** -1 feminine, 1 masculine. */
  build: signed.default(0),
  /** -1 narrow, 1 broad. */
  jaw: signed,
  /** -1 hollow, 1 full. */
  cheeks: signed.default(0),
  /** -1 short, 1 long. */
  chin: signed.default(0),
  /** -1 low, 1 high. */
  forehead: signed.default(0),
  /** -1 narrow, 1 wide open. */
  eyeOpening: signed,
  /** -1 small, 1 large. */
  eyeSize: signed.default(0),
  /** Slant of the eyes: -1 outer corners down, 1 up. */
  eyeSlant: signed.default(0),
  brows: unit,
  /** -1 short, 1 long. */
  noseLength: signed.default(0),
  /** -1 narrow, 1 broad. */
  noseWidth: signed.default(0),
  lips: colour,
  /** -1 thin, 1 full. */
  lipFullness: signed.default(0),
  freckles: unit.default(0),
  beard: z.enum(PHOTO_BEARDS).default('none'),
  glasses: z.enum(PHOTO_GLASSES).default('none'),
  hat: z.enum(PHOTO_HATS).default('none'),
  extra: z.enum(PHOTO_EXTRAS).default('none'),
  /** Direction of the light: -1 from the left, 1 from the right. */
  light: signed,
  /** Height of the light: 0 level with the face, 1 overhead. */
  lightHeight: unit.default(0.4),
  /** Share of the light that has a direction. */
  contrast: unit.default(0.5),
  /** Strength of a light from behind. */
  rim: unit.default(0),
  /** White balance: -1 cold, 1 warm. */
  warmth: signed.default(0),
  /** Exposure, stops. */
  exposure: z.number().min(-2).max(2).default(0),
  clothes: z.enum(PHOTO_CLOTHES),
  clothesColour: colour,
  /** Colour of hats, collars and stripes. */
  accent: colour.default('#40454f'),
  scene: z.enum(PHOTO_SCENES).default('wall'),
  background: z.array(colour).length(3),
  /** Standard deviation of the background's blur, in hundredths of the image's size. */
  defocus: z.number().min(0).max(10).default(2),
  /** Standard deviation of the sensor noise, of 255 levels. */
  noise: z.number().min(0).max(20),
  /** The same of its colour. */
  chromaNoise: z.number().min(0).max(20).default(1),
  /** Standard deviation of the lens blur, in hundredths of the image's size. */
  blur: z.number().min(0).max(3),
  /** How dark the corners are. */
  vignette: unit.default(0.2),
  monochrome: z.boolean().default(false),
  /** Quality of the JPEG file that the photograph has been through; 100 for none. */
  jpeg: z.int().min(30).max(100).default(100),
  /** Seed of strands, scenes and noise. */
  detail: z.int().min(0).max(0xffffffff),
});
export type PhotoStyle = z.infer<typeof photoStyleSchema>;
