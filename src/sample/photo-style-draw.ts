// Random draws of the style of photographic portraits.
import type { Rng } from '../base/rng.js';
import { PHOTO_BEARDS, type PHOTO_SCENES, type PhotoStyle } from './photo-style.js';
import { clamp, mix, ramp } from './svg.js';

const round = (value: number, digits = 3): number => Number(value.toFixed(digits)) + 0;

/** A number in [-1, 1] that is mostly near 0. */
const around0 = (rng: Rng): number => round(clamp(rng.normal(0, 0.45), -1, 1));

const SKIN_TONES = ['#f7dccd', '#efcdb6', '#e3b595', '#cf9a74', '#b57f5b', '#91613f', '#6e452e', '#4c2f22'];
const NATURAL_HAIR = [
  '#17120f',
  '#2b1d16',
  '#442b1d',
  '#5c3b26',
  '#7d5735',
  '#a9834f',
  '#c9a672',
  '#8c4526',
  '#a3582c',
];
const DARK_HAIR = ['#120f0e', '#191210', '#241813', '#2f2019'];
const DYED_HAIR = ['#a84a6e', '#3f5f9a', '#6b4a96', '#c77f8f', '#2f7f78'];
const GREYS = ['#8d8985', '#b7b3ae', '#d8d5d0'];
const LIPS = ['#b04a4a', '#b8566a', '#a34a44'];
const DARK_LIPS = ['#7d3436', '#8f3f45', '#6e2f35'];
const NATURAL_IRIS = ['#3d2618', '#4a2f1d', '#5e3c22', '#6d5a32', '#55704a', '#4c7396', '#7c919f'];
const DARK_IRIS = ['#1f130d', '#2c1b12', '#3d2618'];
const CLOTHES_COLOURS = [
  '#2f3e52',
  '#e9ebec',
  '#3d5c4b',
  '#50608e',
  '#6b7683',
  '#1d1e21',
  '#5b3f63',
  '#8fb0c2',
  '#8e2f34',
  '#c8b79a',
  '#b5563b',
  '#d9a441',
  '#38444a',
  '#7b6a58',
  '#cf8fa0',
  '#f4f1ea',
  '#1f3a6b',
  '#567a4a',
];
const WALLS = [
  ['#b9bdbf', '#d9dbdb', '#8f9496'],
  ['#d8d2c6', '#ece7dd', '#b3aa9b'],
  ['#9aa9b5', '#c9d2d8', '#75858f'],
  ['#c9a886', '#e0c7ab', '#a07e5e'],
  ['#a8705a', '#c48f78', '#7d4d3c'],
  ['#5f6f66', '#8ca093', '#3e4b44'],
  ['#46586d', '#6f8aa3', '#2b3a4e'],
  ['#8d86a8', '#c3bdd6', '#625b80'],
  ['#2d2e31', '#46484c', '#1a1b1d'],
  ['#e6e3df', '#f4f2ef', '#cbc6bf'],
  ['#4d7f86', '#93bfbf', '#2f575f'],
  ['#d9bd9b', '#ead6bd', '#b8946f'],
  ['#7a3f3a', '#9b5c53', '#4e2725'],
  ['#cfa7a0', '#e3c6c0', '#a87d76'],
];
const SCENE_COLOURS: Record<(typeof PHOTO_SCENES)[number], readonly (readonly string[])[]> = {
  wall: WALLS,
  bokeh: [
    ['#2c2a33', '#e0a765', '#c9584a'],
    ['#22303c', '#7fb3d6', '#e9d9a8'],
    ['#3a2a22', '#f0c27a', '#d98a4a'],
    ['#4a5a4a', '#c9d98a', '#f0e6b0'],
  ],
  sky: [
    ['#7fb0de', '#dbe9f2', '#6d7f66'],
    ['#c9d3da', '#eef1f2', '#8a8578'],
    ['#f0b98a', '#f7dfc0', '#6a5a56'],
    ['#5f9bd6', '#cfe4f4', '#c9b58c'],
  ],
  foliage: [
    ['#4d6b3a', '#9dbb6a', '#2b3f26'],
    ['#5f7f4c', '#c3d28a', '#3c5433'],
    ['#a07a3a', '#d9b45f', '#5c4424'],
    ['#37564a', '#86a88f', '#20352d'],
  ],
  window: [
    ['#b8ab9a', '#f6f8fa', '#8a7b69'],
    ['#8f9699', '#f2f6fb', '#5f666a'],
    ['#cdb396', '#fff6e6', '#9c7f60'],
  ],
  shelves: [
    ['#6e4f38', '#b98d5f', '#3f2d21'],
    ['#d6d0c6', '#8f8273', '#a89c8c'],
    ['#4c4f55', '#8a8f96', '#2e3034'],
  ],
  door: [
    ['#d5cfc4', '#f1ede6', '#9c8f7f'],
    ['#b3bcc2', '#e6eaec', '#6f5a48'],
    ['#c7a98c', '#8b5e3f', '#e6d6c2'],
  ],
  street: [
    ['#8c8a88', '#c4c8cc', '#5b5854'],
    ['#a3856d', '#d3c3b0', '#6a5548'],
    ['#6a7480', '#b5c2cd', '#474d55'],
  ],
};

/** Picks one of the items; its chance is its weight. */
function pickWeighted<T extends string>(rng: Rng, weights: Partial<Record<T, number>>): T {
  const entries = Object.entries(weights) as [T, number][];
  let left = rng.uniform() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [item, weight] of entries) {
    left -= weight;
    if (left < 0) return item;
  }
  return entries[0]![0];
}

/** Draws the style of a photographic portrait: most are like good phone portraits, a few are bad ones. */
export function drawPhotoStyle(rng: Rng): PhotoStyle {
  return { manner: 'photo', ...drawPerson(rng), ...drawLight(rng), ...drawCamera(rng), detail: rng.uint32() };
}

/** What the parts of a person have in common. */
interface Person {
  /** 0 light, 1 dark skin. */
  tone: number;
  isDark: boolean;
  isMan: boolean;
  build: number;
  age: number;
}

function drawPerson(rng: Rng) {
  const tone = rng.uniform() ** 1.1;
  const build = round(rng.pick([-1, 1]) * rng.uniform(0.25, 1));
  const person: Person = {
    tone,
    isDark: tone > 0.55,
    isMan: build > 0,
    build,
    age: round(rng.uniform() ** 1.5),
  };
  return {
    age: person.age,
    build,
    ...drawColours(rng, person),
    ...drawHair(rng, person),
    ...drawFeatures(rng, person),
    ...drawWear(rng, person),
  };
}

function drawColours(rng: Rng, { tone, isDark, isMan, age }: Person) {
  const skin = mix(ramp(SKIN_TONES, tone), rng.pick(['#d98f6a', '#c9a06a', '#c98a7a']), rng.uniform(0, 0.14));
  const natural = rng.pick(isDark || rng.uniform() < 0.3 ? DARK_HAIR : NATURAL_HAIR);
  const coloured = rng.uniform() < 0.04 ? rng.pick(DYED_HAIR) : natural;
  const isGrey = age > 0.55 && rng.uniform() < 0.75;
  return {
    skin,
    hair: isGrey
      ? mix(natural, rng.pick(GREYS), rng.uniform(0.5, 0.95))
      : mix(coloured, '#201816', rng.uniform(0, 0.2)),
    iris: rng.pick(isDark ? DARK_IRIS : NATURAL_IRIS),
    lips: mix(
      skin,
      rng.pick(isDark ? DARK_LIPS : LIPS),
      isMan ? rng.uniform(0.15, 0.35) : rng.uniform(0.3, 0.62),
    ),
    freckles: tone < 0.35 && rng.uniform() < 0.25 ? round(rng.uniform(0.3, 1)) : 0,
  };
}

function drawHair(rng: Rng, { isDark, isMan, age }: Person) {
  const blackShare = isDark ? 1.6 : 0.15;
  return {
    hairShape: pickWeighted<PhotoStyle['hairShape']>(rng, {
      middle: 1,
      side: 1.4,
      fringe: 0.8,
      back: 0.7,
      curly: 0.7 + blackShare * 0.4,
      afro: blackShare * 0.7,
    }),
    cut: pickWeighted<PhotoStyle['cut']>(
      rng,
      isMan
        ? { crop: 2, quiff: 1.5, buzz: 1, receding: 0.3 + age, crown: age, bald: 0.25 + 0.5 * age }
        : { crop: 2, quiff: 2, buzz: 0.3 },
    ),
    tie: pickWeighted<PhotoStyle['tie']>(rng, {
      loose: 3,
      ponytail: isMan ? 0.5 : 0.8,
      bun: 0.6,
      braids: isMan ? 0.1 : 0.4 + 0.4 * blackShare,
    }),
    hairVolume: round(rng.uniform(-1, 1)),
    hairWave: round(rng.uniform()),
    beard: isMan && rng.uniform() < 0.55 ? rng.pick(PHOTO_BEARDS) : ('none' as const),
  };
}

function drawFeatures(rng: Rng, { isDark, build, age }: Person) {
  return {
    jaw: round(clamp(rng.normal(0.3 * build, 0.45), -1, 1)),
    cheeks: around0(rng),
    chin: around0(rng),
    forehead: around0(rng),
    eyeOpening: round(clamp(rng.normal(-0.25 * age, 0.5), -1, 1)),
    eyeSize: round(clamp(rng.normal(-0.3 * build, 0.4), -1, 1)),
    eyeSlant: around0(rng),
    brows: round(clamp(0.5 + 0.25 * build + rng.normal(0, 0.2), 0, 1)),
    noseLength: around0(rng),
    noseWidth: round(clamp(rng.normal((isDark ? 0.35 : -0.1) + 0.15 * build, 0.4), -1, 1)),
    lipFullness: round(clamp(rng.normal((isDark ? 0.3 : -0.1) - 0.2 * build - 0.3 * age, 0.4), -1, 1)),
  };
}

function drawWear(rng: Rng, { isMan }: Person) {
  return {
    glasses: pickWeighted<PhotoStyle['glasses']>(rng, { none: 7, thin: 1, thick: 1.1, sun: 0.25 }),
    hat: pickWeighted<PhotoStyle['hat']>(rng, {
      none: 13,
      beanie: 0.6,
      cap: 0.7,
      brim: 0.4,
      hood: 0.4,
      scarf: isMan ? 0 : 0.9,
    }),
    extra: pickWeighted<PhotoStyle['extra']>(rng, {
      none: 8,
      earrings: isMan ? 0.3 : 2.5,
      headphones: 0.4,
      hand: 0.35,
      lock: 0.6,
    }),
    clothes: pickWeighted<PhotoStyle['clothes']>(rng, {
      crew: 2,
      shirt: 1.4,
      vneck: 1,
      turtleneck: 0.7,
      hoodie: 1,
      suit: 0.9,
      stripes: 0.6,
      tank: isMan ? 0.2 : 0.6,
    }),
    clothesColour: mix(rng.pick(CLOTHES_COLOURS), rng.pick(CLOTHES_COLOURS), rng.uniform(0, 0.3)),
    accent: rng.pick(CLOTHES_COLOURS),
  };
}

/** Numbers of common kinds of light; each is drawn around these. */
const LIGHTS = {
  soft: { side: 0.5, lightHeight: 0.35, contrast: 0.4, rim: 0.05, exposure: 0 },
  window: { side: 0.95, lightHeight: 0.25, contrast: 0.68, rim: 0.05, exposure: 0 },
  sun: { side: 0.7, lightHeight: 0.7, contrast: 0.8, rim: 0.15, exposure: 0.15 },
  cloudy: { side: 0.2, lightHeight: 0.85, contrast: 0.35, rim: 0.1, exposure: 0 },
  back: { side: 0.6, lightHeight: 0.3, contrast: 0.3, rim: 0.85, exposure: -0.35 },
  lowKey: { side: 0.95, lightHeight: 0.4, contrast: 0.92, rim: 0.25, exposure: -0.7 },
  flash: { side: 0.1, lightHeight: 0.12, contrast: 0.6, rim: 0, exposure: 0.3 },
} as const;

function drawLight(rng: Rng) {
  const kind = pickWeighted<keyof typeof LIGHTS>(rng, {
    soft: 4,
    window: 2.5,
    sun: 1.2,
    cloudy: 1.5,
    back: 0.8,
    lowKey: 0.5,
    flash: 0.7,
  });
  const { side, lightHeight, contrast, rim, exposure } = LIGHTS[kind];
  const vary = (value: number, by: number): number => round(clamp(value + rng.uniform(-by, by), 0, 1));
  const scene = pickWeighted<PhotoStyle['scene']>(rng, {
    wall: 4,
    bokeh: 1.2,
    sky: 1.2,
    foliage: 1.4,
    window: 0.8,
    shelves: 0.9,
    door: 0.8,
    street: 1,
  });
  return {
    light: round(rng.pick([-1, 1]) * vary(side, 0.25)),
    lightHeight: vary(lightHeight, 0.15),
    contrast: vary(contrast, 0.12),
    rim: vary(rim, 0.1),
    warmth: round(clamp(rng.normal(0.08, 0.35), -1, 1)),
    exposure: round(clamp(exposure + rng.normal(0, 0.16), -2, 2)),
    scene,
    background: [...rng.pick(SCENE_COLOURS[scene])],
    defocus: round(scene === 'wall' ? rng.uniform(1, 3) : rng.uniform(0.6, 3.6), 2),
  };
}

function drawCamera(rng: Rng) {
  const isBad = rng.uniform() < 0.12;
  return {
    noise: round(isBad ? rng.uniform(4, 9) : rng.uniform(0.6, 3), 2),
    chromaNoise: round(isBad ? rng.uniform(2, 6) : rng.uniform(0.2, 1.6), 2),
    blur: round(isBad ? rng.uniform(0.5, 1) : rng.uniform(0.22, 0.5)),
    vignette: round(rng.uniform() ** 2 * 0.7),
    monochrome: rng.uniform() < 0.05,
    jpeg: isBad ? 40 + rng.integer(30) : 70 + rng.integer(26),
  };
}
