// Photographic portraits as SVG.
import { Rng } from '../base/rng.js';
import type { Content, PhotoStyle } from './factors.js';
import { photoFace } from './photo-face.js';
import { photoHair } from './photo-hair.js';
import { headPath, shadowOf } from './photo-head.js';
import { type Pose, poseOf, svgDocument } from './pose.js';
import { mix, svg } from './svg.js';

/** Moves eyes and chin of the photographic head close to those of the anime head, so that content means the same in both. */
const FIT = 'translate(0 2.2) scale(1 .955)';

/** Draws a photographic portrait: shading by gradients and blur, natural colours. @returns an SVG document of `size` px. */
export function photoSvg(content: Content, style: PhotoStyle, size: number): string {
  const pose = poseOf(content);
  const hair = photoHair(content, style);
  const drawing =
    background(style) +
    `<g transform="${pose.head} ${FIT}">${hair.behind}</g>` +
    `<g transform="${pose.body}">${body(style, pose)}</g>` +
    `<g transform="${pose.head} ${FIT}">${photoFace(content, style)}${hair.front}</g>` +
    grading(style);
  return svgDocument(size, definitions(style) + hair.definitions, drawing);
}

function blurFilter(id: string, deviation: number): string {
  return svg`<filter id="${id}" x="-60%" y="-60%" width="220%" height="220%"><feGaussianBlur stdDeviation="${deviation}"/></filter>`;
}

function definitions(style: PhotoStyle): string {
  const { skin, light } = style;
  const shade = shadowOf(skin);
  return svg`${blurFilter('blur05', 0.5)}${blurFilter('blur1', 1)}${blurFilter('blur2', 2)}${blurFilter('blur4', 4)}${blurFilter('blur8', 8)}
<radialGradient id="skin" gradientUnits="userSpaceOnUse" cx="${light * 7}" cy="-7" r="36">
<stop offset="0" stop-color="${mix(skin, '#fff6ea', 0.2)}"/><stop offset=".42" stop-color="${skin}"/>
<stop offset=".78" stop-color="${mix(skin, shade, 0.45)}"/><stop offset="1" stop-color="${mix(skin, shade, 0.9)}"/></radialGradient>
<linearGradient id="neck" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${mix(skin, shade, 0.95)}"/>
<stop offset=".75" stop-color="${mix(skin, shade, 0.4)}"/><stop offset="1" stop-color="${mix(skin, shade, 0.3)}"/></linearGradient>
<linearGradient id="cloth" gradientUnits="userSpaceOnUse" x1="${-40 * light}" y1="60" x2="${40 * light}" y2="30">
<stop offset="0" stop-color="${mix(style.clothesColour, '#0b0d14', 0.4)}"/><stop offset=".6" stop-color="${style.clothesColour}"/>
<stop offset="1" stop-color="${mix(style.clothesColour, '#ffffff', 0.14)}"/></linearGradient>
<linearGradient id="wall" x1="${light > 0 ? 1 : 0}" y1="0" x2="${light > 0 ? 0 : 1}" y2="1">
<stop offset="0" stop-color="${style.background[1]!}"/><stop offset=".6" stop-color="${style.background[0]!}"/>
<stop offset="1" stop-color="${style.background[2]!}"/></linearGradient>
<radialGradient id="vignette" cx=".5" cy=".5" r=".75"><stop offset=".6" stop-color="#000" stop-opacity="0"/>
<stop offset="1" stop-color="#000" stop-opacity=".28"/></radialGradient>
<clipPath id="head"><path d="${headPath(style.jaw)}"/></clipPath>`;
}

function background(style: PhotoStyle): string {
  const rng = new Rng(style.detail, 'bokeh');
  let lights = '';
  for (let i = 0; i < 7; i++) {
    const colour = style.background[rng.integer(3)]!;
    lights += svg`<circle cx="${rng.uniform(0, 100)}" cy="${rng.uniform(-5, 80)}" r="${rng.uniform(6, 17)}" fill="${mix(colour, '#ffffff', rng.uniform(0, 0.3))}" opacity="${rng.uniform(0.25, 0.6)}"/>`;
  }
  return `<rect width="100" height="100" fill="url(#wall)"/><g filter="url(#blur4)">${lights}</g>`;
}

function grading(style: PhotoStyle): string {
  const warm = style.light > 0 ? '#ffe2b0' : '#cfe0ff';
  return `<rect width="100" height="100" fill="${warm}" opacity=".06"/><rect width="100" height="100" fill="url(#vignette)"/>`;
}

function body(style: PhotoStyle, pose: Pose): string {
  const [tx, ty] = pose.neckTop;
  const [bx, by] = pose.neckBase;
  const shade = shadowOf(style.skin);
  const neck = svg`M${tx - 11} ${ty - 8}C${tx - 10.5} ${ty + 6} ${bx - 10.5} ${by - 7} ${bx - 11.5} ${by - 3}L${bx - 20} ${by + 4}L${bx} ${by + 26}L${bx + 20} ${by + 4}L${bx + 11.5} ${by - 3}C${bx + 10.5} ${by - 7} ${tx + 10.5} ${ty + 6} ${tx + 11} ${ty - 8}Z`;
  const muscles = [-1, 1].map(
    (side) =>
      svg`<path d="M${tx + side * 9} ${ty + 6}Q${bx + side * 6} ${by - 6} ${bx + side * 2.2} ${by + 2}" stroke="${shade}" stroke-width="1.6" fill="none" opacity=".35" filter="url(#blur1)"/>`,
  );
  const chinShadow = svg`<ellipse cx="${tx - style.light * 2}" cy="${ty + 9}" rx="12.5" ry="6.5" fill="${mix(shade, '#1c0a08', 0.25)}" opacity=".6" filter="url(#blur2)"/>`;
  return svg`<path d="${neck}" fill="url(#neck)"/><clipPath id="throat"><path d="${neck}"/></clipPath><g clip-path="url(#throat)">${muscles}${chinShadow}</g><g transform="translate(${bx} ${by})">${clothes(style)}</g>`;
}

/** Half-widths and depth of the neckline for each kind of clothes, in units from the base of the neck. */
const NECKLINES = { crew: [12.5, 5.5], shirt: [11, 13], vneck: [13, 17], turtleneck: [11, -3] } as const;

function clothes(style: PhotoStyle): string {
  const colour = style.clothesColour;
  const dark = mix(colour, '#0b0d14', 0.5);
  const pale = mix(colour, '#ffffff', 0.16);
  const [width, depth] = NECKLINES[style.clothes];
  const round = style.clothes === 'crew' || style.clothes === 'turtleneck';
  const neckline = round
    ? svg`C${-width * 0.8} ${depth} ${width * 0.8} ${depth} ${width} -3`
    : svg`L0 ${depth}L${width} -3`;
  const torso = svg`M${-width} -3${neckline}C${width + 7} 1 33 4 38.5 12C43 19 46 40 48 100L-48 100C-46 40 -43 19 -38.5 12C-33 4 ${-width - 7} 1 ${-width} -3Z`;
  let folds = '';
  for (const side of [-1, 1]) {
    folds += svg`<path d="M${side * 27} 15Q${side * 23} 32 ${side * 26} 60" stroke="${dark}" stroke-width="3" fill="none" opacity=".5" filter="url(#blur2)"/>`;
    folds += svg`<path d="M${side * 15} 6Q${side * 12} 20 ${side * 4} 30" stroke="${pale}" stroke-width="2.5" fill="none" opacity=".35" filter="url(#blur2)"/>`;
  }
  return `<path d="${torso}" fill="url(#cloth)"/>${folds}${collar(style, dark, pale)}`;
}

function collar(style: PhotoStyle, dark: string, pale: string): string {
  const colour = style.clothesColour;
  switch (style.clothes) {
    case 'crew':
      return svg`<path d="M-12.5 -3C-10 5.5 10 5.5 12.5 -3" stroke="${dark}" stroke-width="1.7" fill="none" opacity=".75"/><path d="M-13.4 -2.4C-10.6 7 10.6 7 13.4 -2.4" stroke="${pale}" stroke-width=".6" fill="none" opacity=".7"/>`;
    case 'vneck':
      return svg`<path d="M-13 -3L0 17L13 -3" stroke="${dark}" stroke-width="1.8" fill="none" opacity=".7"/><path d="M-14 -2.5L0 19L14 -2.5" stroke="${pale}" stroke-width=".6" fill="none" opacity=".6"/>`;
    case 'shirt':
      return [-1, 1]
        .map(
          (side) =>
            svg`<path d="M${side * 10.6} -7L${side * 14.6} 1.5L${side * 7.5} 13L0 11.6Z" fill="${mix(colour, '#ffffff', 0.1)}" stroke="${dark}" stroke-width=".5" stroke-linejoin="round"/>`,
        )
        .concat(
          svg`<path d="M0 12L.6 90" stroke="${dark}" stroke-width=".7" opacity=".6"/><circle cx="1" cy="22" r=".9" fill="${dark}" opacity=".7"/>`,
        )
        .join('');
    case 'turtleneck':
      return svg`<path d="M-11.6 -11C-8 -7.5 8 -7.5 11.6 -11L13 1.5C8 5.5 -8 5.5 -13 1.5Z" fill="url(#cloth)"/><path d="M-11.6 -11C-8 -7.5 8 -7.5 11.6 -11" stroke="${dark}" stroke-width="1" fill="none" opacity=".8"/><path d="M-13 1.5C-8 5.5 8 5.5 13 1.5" stroke="${dark}" stroke-width="1.2" fill="none" opacity=".5" filter="url(#blur05)"/>`;
  }
}
