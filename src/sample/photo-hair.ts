// Hair of photographic portraits.
import { Rng } from '../base/rng.js';
import type { Content, PhotoStyle } from './factors.js';
import { shadowOf } from './photo-head.js';
import { lerp, mix, type Point, smoothClosedPath, svg } from './svg.js';

/** Hair in head coordinates: the part behind the body, the part over the face, and the definitions of both. */
export interface HairLayers {
  behind: string;
  front: string;
  definitions: string;
}

/** Hair of a photographic portrait. */
export function photoHair(content: Content, style: PhotoStyle): HairLayers {
  const rng = new Rng(style.detail, 'hair');
  const mass = massPath(content, style, rng);
  const front = frontPath(content, style, rng);
  const dark = mix(style.hair, '#080505', 0.5);
  const lit = mix(style.hair, '#ffe9c8', 0.26);
  const definitions = svg`<linearGradient id="hairFront" gradientUnits="userSpaceOnUse" x1="${-14 * style.light}" y1="10" x2="${12 * style.light}" y2="-34">
<stop offset="0" stop-color="${dark}"/><stop offset=".55" stop-color="${style.hair}"/><stop offset=".8" stop-color="${lit}"/><stop offset="1" stop-color="${style.hair}"/></linearGradient>
<linearGradient id="hairBack" gradientUnits="userSpaceOnUse" x1="0" y1="-36" x2="0" y2="50"><stop offset="0" stop-color="${style.hair}"/>
<stop offset=".35" stop-color="${dark}"/><stop offset="1" stop-color="${mix(style.hair, dark, 0.4)}"/></linearGradient>
<filter id="lips" x="-20%" y="-40%" width="140%" height="180%"><feGaussianBlur stdDeviation=".3"/></filter>
<filter id="brow" x="-20%" y="-60%" width="140%" height="220%"><feGaussianBlur stdDeviation=".35"/></filter>
<clipPath id="mass"><path d="${mass}"/></clipPath><clipPath id="front"><path d="${front}" clip-rule="nonzero"/></clipPath>`;
  const behind = `<path d="${mass}" fill="url(#hairBack)"/><g clip-path="url(#mass)">${strands(content, style, rng, 26, 'back')}</g>`;
  const shadow = svg`<g clip-path="url(#head)"><path d="${front}" transform="translate(${-style.light * 0.8} 1.9)" fill="${mix(shadowOf(style.skin), '#1a0b08', 0.3)}" opacity=".55" filter="url(#blur1)"/></g>`;
  const gloss = svg`<path d="M${style.light * -6} -29Q${style.light * 8} -33 ${style.light * 17} -19" stroke="${mix(style.hair, '#fff1da', 0.5)}" stroke-width="4.5" fill="none" opacity="${style.hairShape === 'curly' ? 0.14 : 0.28}" filter="url(#blur2)"/>`;
  const over = `${shadow}<path d="${front}" fill="url(#hairFront)"/><g clip-path="url(#front)">${strands(content, style, rng, 34, 'front')}${gloss}</g>`;
  return { behind, front: over, definitions };
}

/** Lower end of the hair, in head units. */
function tipY(content: Content): number {
  return lerp(5, 50, content.hairLength);
}

function fullness(style: PhotoStyle): number {
  return style.hairVolume + (style.hairShape === 'curly' ? 2.4 : 0) - (style.hairShape === 'back' ? 0.8 : 0);
}

/** The mass of hair behind the head. */
function massPath(content: Content, style: PhotoStyle, rng: Rng): string {
  const volume = fullness(style);
  const bottom = tipY(content);
  const w = 22.6 + 1.1 * volume;
  const flare = lerp(-1, 3.5, content.hairLength) + 0.8 * volume;
  // Short hair narrows to the nape; long hair falls straight.
  const nape = 9.5 * Math.max(0, 1 - content.hairLength * 2.2);
  const points: Point[] = [];
  const steps = 7;
  const wave = (style.hairShape === 'curly' ? 1.3 : 0.9) * style.hairWave;
  for (let i = 0; i <= steps; i++) {
    const t = i / steps;
    const swell = Math.sin(t * Math.PI) * flare;
    points.push([w + swell - nape * t * t + wave * Math.sin(i * 2.1 + 1), lerp(-10, bottom, t)]);
  }
  const left = points
    .map(([x, y]): Point => [-x + rng.uniform(-0.5, 0.5) * (0.4 + style.hairWave), y])
    .reverse();
  const hem: Point[] = [
    [(w - nape) * 0.55, bottom + 1.5 + 1.4 * content.hairLength],
    [0, bottom + 1],
    [-(w - nape) * 0.55, bottom + 1.5 + 1.4 * content.hairLength],
  ];
  const crown: Point[] = [
    [-w * 0.82, -25 - 0.5 * volume],
    [-w * 0.45, -33 - 0.9 * volume],
    [0, -35.3 - volume],
    [w * 0.45, -33 - 0.9 * volume],
    [w * 0.82, -25 - 0.5 * volume],
  ];
  const outline = [...points, ...hem, ...left, ...crown];
  return style.hairShape === 'curly' ? curls(outline, rng) : smoothClosedPath(outline);
}

/** The outline with a lump at every step, for curly hair. */
function curls(outline: readonly Point[], rng: Rng): string {
  let path = smoothClosedPath(outline);
  for (let i = 0; i < outline.length; i++) {
    const [x, y] = outline[i]!;
    const [nx, ny] = outline[(i + 1) % outline.length]!;
    for (const t of [0, 0.33, 0.67]) {
      const r = rng.uniform(1.6, 4.6);
      path += circlePath(lerp(x, nx, t) * rng.uniform(0.93, 1), lerp(y, ny, t) + rng.uniform(-1, 1), r);
    }
  }
  return path;
}

function circlePath(x: number, y: number, r: number): string {
  return svg`M${x - r} ${y}a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`;
}

/** Lower end of the hair at the sides of the face, in head units. */
function curtainY(content: Content): number {
  return lerp(-3, 32, Math.min(1, content.hairLength * 1.15));
}

/** The hair over forehead and temples: the outer contour, then back along the hairline. */
function frontPath(content: Content, style: PhotoStyle, rng: Rng): string {
  const volume = fullness(style);
  const w = 22.4 + volume;
  const top = -35 - volume;
  const down = curtainY(content);
  const inner = 18.6 - 1.4 * content.hairLength;
  const outerRight = svg`C${w * 0.62} ${top} ${w + 0.6} -24 ${w + 0.2} -7C${w + 0.5} ${lerp(-7, down, 0.4)} ${w} ${lerp(-7, down, 0.8)} ${inner + 2.4} ${down}`;
  const start = svg`M${-inner - 2.4} ${down}C${-w} ${lerp(-7, down, 0.8)} ${-w - 0.5} ${lerp(-7, down, 0.4)} ${-w - 0.2} -7C${-w - 0.6} -24 ${-w * 0.62} ${top} 0 ${top}`;
  const templeY = lerp(-8, -3, content.hairLength);
  const rise = svg`C${inner + 0.8} ${lerp(down, templeY, 0.4)} ${inner + 1.4} ${lerp(down, templeY, 0.7)} ${inner + 0.4} ${templeY}`;
  const fall = svg`C${-inner - 1.4} ${lerp(down, templeY, 0.7)} ${-inner - 0.8} ${lerp(down, templeY, 0.4)} ${-inner - 2.4} ${down}Z`;
  const base = start + outerRight + rise + hairline(style, inner, templeY, rng) + fall;
  if (style.hairShape !== 'curly') return base;
  let lumps = '';
  for (let i = 0; i <= 8; i++) {
    const angle = Math.PI * (0.12 + (0.76 * i) / 8);
    lumps += circlePath(Math.cos(angle) * w * 0.86, -8 + Math.sin(angle) * (top + 12.5), rng.uniform(4, 5.6));
  }
  for (let i = 0; i <= 6; i++) {
    lumps += circlePath(
      lerp(-15.5, 15.5, i / 6),
      -18.6 + Math.abs(i - 3) * 0.9 + rng.uniform(-1, 1),
      rng.uniform(3, 4),
    );
  }
  return base + lumps;
}

/** From the right temple to the left one, over the forehead. */
function hairline(style: PhotoStyle, inner: number, templeY: number, rng: Rng): string {
  const part = (style.light > 0 ? -1 : 1) * 7;
  switch (style.hairShape) {
    case 'middle':
      return svg`C${inner - 1} -13 9 -20 0.6 -25C0.2 -25.4 -0.2 -25.4 -0.6 -25C-9 -20 ${-inner + 1} -13 ${-inner - 0.4} ${templeY}`;
    case 'side': {
      // A long sweep on one side of the parting, a short one on the other.
      const right =
        part > 0 ? svg`C${inner - 1} -15 14 -21 ${part} -25.5` : svg`C${inner - 1} -9 10 -11 ${part} -25.5`;
      const left =
        part > 0
          ? svg`C-10 -11 ${-inner + 1} -9 ${-inner - 0.4} ${templeY}`
          : svg`C-14 -21 ${-inner + 1} -15 ${-inner - 0.4} ${templeY}`;
      return right + left;
    }
    case 'fringe': {
      let path = '';
      const locks = 6;
      let x = inner + 0.4;
      for (let i = 0; i < locks; i++) {
        const next = lerp(inner + 0.4, -inner - 0.4, (i + 1) / locks);
        const y = -9.6 + rng.uniform(-0.9, 0.9) + (i === 0 || i === locks - 1 ? 1.6 : 0);
        const end = i === locks - 1 ? templeY : -12.4;
        path += svg`Q${x - 0.6} ${y} ${lerp(x, next, 0.6)} ${y}Q${next + 0.4} ${y} ${next} ${end}`;
        x = next;
      }
      return path;
    }
    case 'back':
      return svg`C${inner - 0.5} -17 13 -22.6 0 -22.6C-13 -22.6 ${-inner + 0.5} -17 ${-inner - 0.4} ${templeY}`;
    case 'curly':
      return svg`C${inner - 1} -14 12 -20 0 -20C-12 -20 ${-inner + 1} -14 ${-inner - 0.4} ${templeY}`;
  }
}

/** Fine light and dark lines that follow the fall of the hair. */
function strands(
  content: Content,
  style: PhotoStyle,
  rng: Rng,
  count: number,
  where: 'front' | 'back',
): string {
  if (style.hairShape === 'curly') return ringlets(content, style, rng, 3 * count, where);
  const partX = style.hairShape === 'side' ? (style.light > 0 ? -7 : 7) : 0;
  const bottom = where === 'back' ? tipY(content) + 4 : curtainY(content);
  let out = '';
  for (let i = 0; i < count; i++) {
    const side = i % 2 === 0 ? 1 : -1;
    const reach = rng.uniform(0.25, 1);
    const x0 = partX + side * rng.uniform(0, 3);
    const y0 = -34 + 3 * rng.uniform();
    const x1 = side * lerp(6, 25, reach);
    const bend = style.hairWave * rng.uniform(-3, 3);
    const colour =
      rng.uniform() < 0.5
        ? mix(style.hair, '#ffeccd', rng.uniform(0.2, 0.42))
        : mix(style.hair, '#040303', 0.55);
    const fringe = style.hairShape === 'fringe' && where === 'front' && reach < 0.75;
    const endY = fringe ? -8 : bottom;
    out += svg`<path d="M${x0} ${y0}C${lerp(x0, x1, 0.6)} ${y0 + 1} ${x1 + side} ${-22 + bend} ${x1} ${-8 + bend}S${x1 + bend} ${lerp(-8, endY, 0.6)} ${x1 - side * 1.5} ${endY}" stroke="${colour}" stroke-width="${rng.uniform(0.3, 0.9)}" fill="none" opacity="${rng.uniform(0.2, 0.45)}"/>`;
  }
  return out;
}

/** Small arcs all over, the strands of curly hair. */
function ringlets(
  content: Content,
  style: PhotoStyle,
  rng: Rng,
  count: number,
  where: 'front' | 'back',
): string {
  const bottom = where === 'back' ? tipY(content) + 3 : curtainY(content);
  let out = '';
  for (let i = 0; i < count; i++) {
    const x = rng.uniform(-29, 29);
    const y = rng.uniform(-38, bottom);
    const r = rng.uniform(1.2, 3);
    const side = rng.pick([-1, 1]);
    const colour =
      rng.uniform() < 0.5
        ? mix(style.hair, '#ffeccd', rng.uniform(0.15, 0.4))
        : mix(style.hair, '#040303', 0.6);
    out += svg`<path d="M${x} ${y}q${side * r} ${-r * 0.9} ${side * 1.6 * r} ${r * 0.2}t${-side * 0.5 * r} ${r * 1.3}" stroke="${colour}" stroke-width="${rng.uniform(0.4, 1)}" stroke-linecap="round" fill="none" opacity="${rng.uniform(0.25, 0.5)}"/>`;
  }
  return out;
}
