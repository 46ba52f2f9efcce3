// Necks, shoulders and clothes of photographs.
import { Rng } from '../base/rng.js';
import { shadowOf } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import type { Pose } from './pose.js';
import { mix, type Point, svg } from './svg.js';

/** Gradients of neck and cloth. */
export function bodyDefinitions(style: PhotoStyle): string {
  const { skin, light } = style;
  const shade = shadowOf(skin);
  const [near, far] = [mix(skin, shade, 0.12), mix(skin, shade, 0.75)];
  const side = light > 0 ? 1 : 0;
  return svg`<linearGradient id="neck" x1="${1 - side}" y1="0" x2="${side}" y2="0"><stop offset="0" stop-color="${far}"/><stop offset=".45" stop-color="${mix(near, far, 0.35)}"/><stop offset=".8" stop-color="${near}"/><stop offset="1" stop-color="${mix(near, far, 0.5)}"/></linearGradient>`;
}

/** Neck, chest and clothes in body coordinates. */
export function photoBody(style: PhotoStyle, pose: Pose, yaw: number): string {
  const [tx, ty] = pose.neckTop;
  const [bx, by] = pose.neckBase;
  const shade = shadowOf(style.skin);
  const w = 11 + 1.9 * style.build + 0.8 * style.cheeks;
  const x = tx + 2.5 * Math.sin(yaw);
  const neck = svg`M${x - w} ${ty - 6}C${x - w} ${ty + 6} ${bx - w} ${by - 7} ${bx - w - 1.5} ${by - 3}L${bx - 24} ${by + 5}L${bx - 14} ${by + 50}L${bx + 14} ${by + 50}L${bx + 24} ${by + 5}L${bx + w + 1.5} ${by - 3}C${bx + w} ${by - 7} ${x + w} ${ty + 6} ${x + w} ${ty - 6}Z`;
  const muscles = [-1, 1]
    .map(
      (side) =>
        svg`<path d="M${x + side * w * 0.8} ${ty + 8}Q${bx + side * 5} ${by - 4} ${bx + side * 2.2} ${by + 4}" stroke="${shade}" stroke-width="2.6" stroke-linecap="round" fill="none" stroke-opacity=".1"/><path d="M${bx + side * 3} ${by + 4.6}Q${bx + side * 12} ${by + 3} ${bx + side * 21} ${by + 1.4}" stroke="${shade}" stroke-width="1.8" stroke-linecap="round" fill="none" stroke-opacity=".18"/>`,
    )
    .join('');
  return svg`<path d="${neck}" fill="url(#neck)"/>${muscles}<g transform="translate(${bx} ${by})">${clothes(style)}</g>`;
}

/** Half-widths and depth of the neckline for each kind of clothes, in units from the base of the neck. */
const NECKLINES: Record<PhotoStyle['clothes'], readonly [number, number]> = {
  crew: [13, 5.5],
  stripes: [14, 6.5],
  shirt: [11.5, 14],
  vneck: [13, 17],
  turtleneck: [12, -3],
  hoodie: [14, 8],
  suit: [12, 30],
  tank: [17, 17],
};

function clothes(style: PhotoStyle): string {
  const rng = new Rng(style.detail, 'clothes');
  const colour = style.clothesColour;
  const dark = mix(colour, '#0b0d14', 0.5);
  const pale = mix(colour, '#ffffff', 0.18);
  const [width, depth] = NECKLINES[style.clothes];
  const s = 1 + 0.09 * style.build + 0.06 * style.cheeks;
  const isRound = ['crew', 'stripes', 'turtleneck', 'tank', 'hoodie'].includes(style.clothes);
  const neckline = isRound
    ? svg`C${-width * 0.75} ${depth * 1.2} ${width * 0.75} ${depth * 1.2} ${width} -3`
    : svg`L0 ${depth}L${width} -3`;
  const torso =
    style.clothes === 'tank'
      ? svg`M${-width} -1C${-width * 0.8} ${depth * 1.3} ${width * 0.8} ${depth * 1.3} ${width} -1L${width + 6} 0.5C${width + 6} 22 30 26 33 100L-33 100C-30 26 ${-width - 6} 22 ${-width - 6} .5Z`
      : svg`M${-width} -3${neckline}C${width + 7} 1 ${33 * s} 3 ${38.5 * s} 11C${43 * s} 19 ${46 * s} 40 ${50 * s} 100L${-50 * s} 100C${-46 * s} 40 ${-43 * s} 19 ${-38.5 * s} 11C${-33 * s} 3 ${-width - 7} 1 ${-width} -3Z`;
  const shoulders =
    style.clothes === 'tank'
      ? svg`<path d="M-13 -3C-22 1 ${-34 * s} 3 ${-38 * s} 12C${-43 * s} 20 ${-45 * s} 40 ${-48 * s} 100L${48 * s} 100C${45 * s} 40 ${43 * s} 20 ${38 * s} 12C${34 * s} 3 22 1 13 -3Z" fill="url(#neck)"/>`
      : '';
  let folds = '';
  for (const side of [-1, 1]) {
    const at = (x: number, y: number): Point => [side * x * s + rng.uniform(-2, 2), y + rng.uniform(-2, 2)];
    for (const [from, bend, to, width2, opacity] of [
      [at(29, 13), at(25, 30), at(29, 60), 3.2, 0.2],
      [at(28, 14), at(26, 32), at(28, 60), 1.4, 0.3],
      [at(14, 8), at(12, 20), at(4, 32), 2.2, 0.16],
      [at(33, 10), at(36, 18), at(37, 30), 2.4, 0.16],
    ] as const)
      folds += svg`<path d="M${from}Q${bend} ${to}" stroke="${dark}" stroke-width="${width2}" stroke-linecap="round" fill="none" stroke-opacity="${opacity}"/>`;
    folds += svg`<path d="M${at(18, 7)}Q${at(16, 20)} ${at(9, 34)}" stroke="${pale}" stroke-width="2" stroke-linecap="round" fill="none" stroke-opacity=".25"/>`;
  }
  const pattern =
    style.clothes === 'stripes'
      ? svg`<clipPath id="torso"><path d="${torso}"/></clipPath><g clip-path="url(#torso)">${stripes(style)}</g>`
      : '';
  return svg`${shoulders}${style.clothes === 'suit' ? inner(style) : ''}<path d="${torso}" fill="${colour}"/>${pattern}${folds}${collar(style, dark, pale)}`;
}

function stripes(style: PhotoStyle): string {
  let out = '';
  for (let y = 8; y < 70; y += 6)
    out += svg`<path d="M-60 ${y + 6}Q0 ${y - 4} 60 ${y + 6}" stroke="${style.accent}" stroke-width="2.6" fill="none" stroke-opacity=".85"/>`;
  return out;
}

/** Shirt and tie in the opening of a suit. */
function inner(style: PhotoStyle): string {
  const shirt = mix(style.accent, '#f4f4f4', 0.82);
  const hasTie = style.build > 0;
  const tie = hasTie
    ? svg`<path d="M-2.6 4L2.6 4L3.4 8L4.6 40L-4.6 40L-3.4 8Z" fill="${mix(style.accent, '#5a1420', 0.4)}"/>`
    : '';
  return svg`<path d="M-13 -3L0 9L13 -3L18 40L-18 40Z" fill="${shirt}"/>${tie}<path d="M-11.5 -6L-12.5 0L-6 8L0 4.4L6 8L12.5 0L11.5 -6L0 4Z" fill="${mix(shirt, '#ffffff', 0.3)}" stroke="${mix(shirt, '#40444c', 0.35)}" stroke-width=".5"/>`;
}

function collar(style: PhotoStyle, dark: string, pale: string): string {
  const colour = style.clothesColour;
  switch (style.clothes) {
    case 'crew':
    case 'stripes': {
      const [w, d] = NECKLINES[style.clothes];
      return svg`<path d="M${-w} -3C${-w * 0.75} ${d * 1.2} ${w * 0.75} ${d * 1.2} ${w} -3" stroke="${dark}" stroke-width="1.2" fill="none" stroke-opacity=".5"/><path d="M${-w - 1.8} -2.2C${-w * 0.85} ${d * 1.2 + 2.6} ${w * 0.85} ${d * 1.2 + 2.6} ${w + 1.8} -2.2" stroke="${pale}" stroke-width=".7" fill="none" stroke-opacity=".5"/>`;
    }
    case 'tank':
      return '';
    case 'vneck':
      return svg`<path d="M-13 -3L0 17L13 -3" stroke="${dark}" stroke-width="1.4" fill="none" stroke-opacity=".5"/><path d="M-14.6 -2.4L0 20L14.6 -2.4" stroke="${pale}" stroke-width=".6" fill="none" stroke-opacity=".5"/>`;
    case 'hoodie': {
      const cords = [-1, 1]
        .map(
          (side) =>
            svg`<path d="M${side * 6} 8Q${side * 7.4} 16 ${side * 6.4} 25" stroke="${mix(pale, '#ffffff', 0.5)}" stroke-width=".9" fill="none"/>`,
        )
        .join('');
      return svg`<path d="M-14 -3C-22 -8 -21 4 -10 9C-4 11.4 4 11.4 10 9C21 4 22 -8 14 -3C9 8 -9 8 -14 -3Z" fill="${mix(colour, '#0b0d14', 0.16)}"/><path d="M-17 0C-12 8.4 12 8.4 17 0" stroke="${dark}" stroke-width="1" fill="none" stroke-opacity=".4"/>${cords}`;
    }
    case 'suit':
      return [-1, 1]
        .map(
          (side) =>
            svg`<path d="M${side * 12} -4L${side * 19} 6L${side * 14.5} 10L${side * 17} 14L0 34Z" fill="${mix(colour, '#ffffff', 0.07)}" stroke="${dark}" stroke-width=".6" stroke-linejoin="round"/>`,
        )
        .join('');
    case 'shirt':
      return [-1, 1]
        .map(
          (side) =>
            svg`<path d="M${side * 10.8} -7.5L${side * 15} 1.5L${side * 8} 13L0 12Z" fill="${mix(colour, '#ffffff', 0.12)}" stroke="${dark}" stroke-width=".4" stroke-linejoin="round"/>`,
        )
        .concat(
          svg`<path d="M0 12.6L.6 90" stroke="${dark}" stroke-width=".7" stroke-opacity=".5"/><circle cx="1.4" cy="22" r=".8" fill="${pale}"/><circle cx="1.4" cy="34" r=".8" fill="${pale}"/>`,
        )
        .join('');
    case 'turtleneck':
      return svg`<path d="M-12.4 -12C-8 -8.6 8 -8.6 12.4 -12L14 1.5C8 6 -8 6 -14 1.5Z" fill="${mix(colour, '#ffffff', 0.05)}"/><path d="M-12.4 -12C-8 -8.6 8 -8.6 12.4 -12" stroke="${dark}" stroke-width="1" fill="none" stroke-opacity=".6"/><path d="M-14 1.5C-8 6 8 6 14 1.5" stroke="${dark}" stroke-width="1.2" fill="none" stroke-opacity=".35"/>`;
  }
}
