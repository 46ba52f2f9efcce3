// Anime portraits as SVG.
import { animeBackground } from './anime-background.js';
import { animeFace } from './anime-face.js';
import { animeHair } from './anime-hair.js';
import { animeHeadPath, type Ink, inked, inkOf, stroke } from './anime-ink.js';
import type { AnimeStyle, Content } from './factors.js';
import { type Pose, poseOf, svgDocument } from './pose.js';
import { mix, svg } from './svg.js';

/** Draws an anime portrait: outlines, flat colours with one cel shade, large eyes. @returns an SVG document of `size` px. */
export function animeSvg(content: Content, style: AnimeStyle, size: number): string {
  const ink = inkOf(style);
  const pose = poseOf(content);
  const hair = animeHair(content, style, ink);
  const head = animeHeadPath(style);
  const definitions = `<clipPath id="head"><path d="${head}"/></clipPath>${hair.definitions}`;
  const drawing =
    animeBackground(style) +
    `<g transform="${pose.head}">${hair.behind}</g>` +
    `<g transform="${pose.body}">${body(style, ink, pose)}</g>` +
    `<g transform="${pose.head}">${ears(ink)}${inked(head, ink.skin, ink)}` +
    `<g clip-path="url(#head)">${hair.shadow}</g>${animeFace(content, style, ink)}${hair.front}</g>`;
  return svgDocument(size, definitions, drawing);
}

function ears(ink: Ink): string {
  return [-1, 1]
    .map(
      (side) =>
        inked(
          svg`M${side * 19.5} 0C${side * 24} -4 ${side * 25.4} 1 ${side * 23} 6C${side * 21.6} 9 ${side * 19} 9 ${side * 18.6} 7Z`,
          ink.skin,
          ink,
        ) + stroke(svg`M${side * 21} 2Q${side * 22.8} 1.4 ${side * 21.6} 5`, ink, 0.5, ink.skinShade),
    )
    .join('');
}

function body(style: AnimeStyle, ink: Ink, pose: Pose): string {
  const [tx, ty] = pose.neckTop;
  const [bx, by] = pose.neckBase;
  const neck = svg`M${tx - 7.4} ${ty - 4}C${tx - 7} ${ty + 8} ${bx - 7} ${by - 6} ${bx - 9} ${by - 1}L${bx - 16} ${by + 4}L${bx} ${by + 24}L${bx + 16} ${by + 4}L${bx + 9} ${by - 1}C${bx + 7} ${by - 6} ${tx + 7} ${ty + 8} ${tx + 7.4} ${ty - 4}Z`;
  // The chin casts one hard shadow on the neck.
  const shadow = svg`<clipPath id="throat"><path d="${neck}"/></clipPath><path clip-path="url(#throat)" d="M${tx - 16} ${ty - 6}L${tx + 16} ${ty - 6}L${tx + 11} ${ty + 11.5}Q${tx + 1} ${ty + 17} ${tx - 11} ${ty + 11.5}Z" fill="${ink.skinShade}"/>`;
  const bones = [-1, 1].map((side) =>
    stroke(
      svg`M${bx + side * 2.4} ${by + 4.4}Q${bx + side * 6} ${by + 2.6} ${bx + side * 9} ${by + 3}`,
      ink,
      0.45,
      ink.skinShade,
    ),
  );
  return svg`${inked(neck, ink.skin, ink)}${shadow}${bones}<g transform="translate(${bx} ${by})">${clothes(style, ink)}</g>`;
}

const TORSO_SIDES = 'C22 1 29 4 32.5 10C37 18 40 44 42 100L-42 100C-40 44 -37 18 -32.5 10C-29 4 -22 1';

/** Colour and share of the shade of clothes; without a colour it is that of the lines. */
const CLOTHES_SHADE = {
  vivid: ['#140c3a', 0.38],
  pastel: ['#8a78b8', 0.24],
  print: [undefined, 0.3],
} as const;

function clothes(style: AnimeStyle, ink: Ink): string {
  const colour = style.clothesColour;
  const [towards, share] = CLOTHES_SHADE[style.family];
  const shade = mix(colour, towards ?? style.line, share);
  switch (style.clothes) {
    case 'sailor':
      return sailor(style, ink, colour, shade);
    case 'hoodie':
      return hoodie(style, ink, colour, shade);
    case 'blazer':
      return blazer(style, ink, colour, shade);
    case 'plain':
      return (
        inked(`M-13 -1C-10 9 10 9 13 -1${TORSO_SIDES} -13 -1Z`, colour, ink) +
        sleeves(shade, ink) +
        stroke('M-14.6 1C-11 12 11 12 14.6 1', ink, 1.2, style.accent)
      );
  }
}

/** Cel shading of the arms. */
function sleeves(shade: string, ink: Ink): string {
  return [-1, 1]
    .map(
      (side) =>
        svg`<path d="M${side * 26} 18Q${side * 23} 40 ${side * 25} 100L${side * 41.4} 100C${side * 39} 44 ${side * 37} 20 ${side * 33} 11Q${side * 33} 26 ${side * 26} 18Z" fill="${shade}"/>` +
        stroke(svg`M${side * 26} 17Q${side * 23} 40 ${side * 25} 80`, ink, 0.8),
    )
    .join('');
}

function sailor(style: AnimeStyle, ink: Ink, colour: string, shade: string): string {
  const pale = mix('#ffffff', colour, 0.06);
  let out =
    inked(`M-12 -2L0 20L12 -2${TORSO_SIDES} -12 -2Z`, pale, ink) + sleeves(mix(pale, shade, 0.3), ink);
  for (const side of [-1, 1]) {
    out += inked(svg`M${side * 10.5} -4.5L${side * 24} 4L${side * 27} 16L${side * 12} 20L0 25Z`, colour, ink);
    out += stroke(
      svg`M${side * 21.5} 5L${side * 24} 13.4L${side * 11} 17L${side * 3} 20.6`,
      ink,
      0.6,
      '#ffffff',
    );
  }
  for (const side of [-1, 1])
    out += inked(
      svg`M0 23C${side * 4} 17 ${side * 11} 18 ${side * 11} 23C${side * 11} 28 ${side * 4} 28 0 24Z`,
      style.accent,
      ink,
    );
  return out + inked('M-2.4 21.6L2.4 21.6L2.8 26L-2.8 26Z', mix(style.accent, '#000000', 0.12), ink, 0.8);
}

function hoodie(style: AnimeStyle, ink: Ink, colour: string, shade: string): string {
  let out = inked(`M-13 -1C-10 9 10 9 13 -1${TORSO_SIDES} -13 -1Z`, colour, ink) + sleeves(shade, ink);
  for (const side of [-1, 1]) {
    out += inked(
      svg`M${side * 9} -6C${side * 20} -7 ${side * 24} 3 ${side * 17} 9C${side * 12} 13 ${side * 4} 14 0 14C${side * 6} 10 ${side * 10} 4 ${side * 9} -6Z`,
      side > 0 ? shade : mix(colour, shade, 0.4),
      ink,
    );
    out += stroke(svg`M${side * 5.4} 13Q${side * 6.4} 22 ${side * 5} 31`, ink, 1.1, style.accent);
  }
  return out;
}

function blazer(style: AnimeStyle, ink: Ink, colour: string, shade: string): string {
  const white = '#fbfbff';
  let out = inked(`M-12 -2L0 20L12 -2${TORSO_SIDES} -12 -2Z`, colour, ink) + sleeves(shade, ink);
  out += inked('M-11 -3L0 46L11 -3L0 12Z', white, ink, 0.8);
  for (const side of [-1, 1]) {
    out += inked(svg`M${side * 9.6} -5L${side * 13.4} 3L${side * 6.4} 14L0 11Z`, white, ink);
    out += inked(
      svg`M${side * 12.6} 0L${side * 22} 9L${side * 16} 15L${side * 19} 18L0 48Z`,
      mix(colour, shade, 0.45),
      ink,
    );
  }
  return out + inked('M-3.4 11L3.4 11L2.2 16L5 38L0 44L-5 38L-2.2 16Z', style.accent, ink, 0.9);
}
