// Eyes and brows of photographed faces.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { shadowOf } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { EYE_LEFT, EYE_RIGHT, turned } from './pose.js';
import { clamp, lerp, mix, svg } from './svg.js';

/** Moves a drawing around an eye's middle to its place on a turned head. */
function eyeTransform(side: -1 | 1, content: Content): string {
  const { point, width } = turned(content, side < 0 ? EYE_LEFT : EYE_RIGHT);
  return svg`translate(${point}) scale(${width} 1)`;
}

/** An eye; the middle of its opening is where `landmarksOf` says. */
export function photoEye(side: -1 | 1, content: Content, style: PhotoStyle): string {
  const size = 1 + 0.09 * style.eyeSize;
  const h = (2.25 + 0.42 * style.eyeOpening - 0.3 * content.smile) * size;
  const s = side * size;
  const slant = 0.45 * style.eyeSlant;
  const [inner, outer] = [-4.5 * s, 4.6 * s];
  const [innerY, outerY] = [0.45 + slant, 0.05 - slant];
  // A cubic reaches three quarters of the way to its control points.
  const top = -1.33 * h;
  const bottom = 1.33 * h;
  const lid = svg`M${inner} ${innerY}C${inner * 0.62} ${top} ${outer * 0.42} ${top} ${outer} ${outerY}`;
  const opening = svg`${lid}C${outer * 0.62} ${bottom} ${inner * 0.4} ${bottom} ${inner} ${innerY}Z`;
  const ix = clamp(content.gazeX, -1, 1) * 1.75;
  const iy = clamp(content.gazeY, -1, 1) * 0.85;
  const r = 2.62 * size;
  const shade = shadowOf(style.skin);
  const lash = style.build > 0 ? mix(shade, '#0d0806', 0.6) : '#0f0908';
  const lashWidth = style.build > 0 ? 0.75 : 1.1;
  const id = side < 0 ? 'eyeL' : 'eyeR';
  const lidFold = h * (1.62 - 0.25 * style.age);
  return svg`<g transform="${eyeTransform(side, content)}"><clipPath id="${id}"><path d="${opening}"/></clipPath>
<path d="${opening}" fill="${mix('#efe9e5', style.skin, 0.1)}"/><g clip-path="url(#${id})">
<circle cx="${inner}" cy="${innerY}" r="1.2" fill="${mix(style.skin, '#b5605a', 0.5)}"/>
<circle cx="${ix}" cy="${iy}" r="${r}" fill="${mix(style.iris, '#0a0605', 0.62)}"/><circle cx="${ix}" cy="${iy}" r="${r * 0.84}" fill="${style.iris}"/>
<path d="M${ix - r * 0.6} ${iy + r * 0.2}A${r * 0.64} ${r * 0.64} 0 0 0 ${ix + r * 0.6} ${iy + r * 0.2}Z" fill="${mix(style.iris, '#ffffff', 0.3)}" fill-opacity=".45"/>
<circle cx="${ix}" cy="${iy}" r="${r * 0.42}" fill="#080505"/>
<path d="${lid}" stroke="#1a0f0e" stroke-width="2.2" fill="none" stroke-opacity=".38"/></g>
<path d="${lid}L${outer * 1.1} ${outerY - 0.35}" stroke="${lash}" stroke-width="${lashWidth}" stroke-linecap="round" stroke-linejoin="round" fill="none" stroke-opacity=".88"/>
<path d="M${outer} ${outerY}C${outer * 0.62} ${bottom} ${inner * 0.4} ${bottom} ${inner} ${innerY}" stroke="${mix(shade, lash, 0.35)}" stroke-width=".4" fill="none" stroke-opacity=".65"/>
<path d="M${inner * 0.92} ${innerY - 1.2}C${inner * 0.55} ${-lidFold * 1.3} ${outer * 0.55} ${-lidFold * 1.3} ${outer * 1.12} ${outerY - 1}" stroke="${shade}" stroke-width=".6" fill="none" stroke-opacity=".6"/></g>`;
}

/** What shines on an eye; it lies over the lit face. */
export function photoCatchlight(side: -1 | 1, content: Content, style: PhotoStyle): string {
  const x = clamp(content.gazeX, -1, 1) * 1.75 + style.light * 0.85;
  const y = clamp(content.gazeY, -1, 1) * 0.85 - 0.85;
  const bright = 0.5 + 0.45 * style.contrast;
  return svg`<g transform="${eyeTransform(side, content)}"><circle cx="${x}" cy="${y}" r=".55" fill="#ffffff" fill-opacity="${bright}"/></g>`;
}

/** A brow of single hairs over a soft base. */
export function photoBrow(side: -1 | 1, content: Content, style: PhotoStyle): string {
  const rng = new Rng(style.detail, `brow${side}`);
  const thick = lerp(0.9, 2.3, style.brows);
  const low = style.build > 0 ? 0.9 : 0;
  const y = -8 + low - 0.9 * content.open - 0.3 * style.eyeOpening + rng.uniform(-0.25, 0.25);
  const arch = lerp(1.6, 0.4, (style.build + 1) / 2);
  const s = side;
  const colour = mix(style.hair, '#1a110c', 0.45);
  const x0 = -6.2 * s;
  const x1 = 6.6 * s;
  const path = svg`M${x0} ${y + 2 - thick * 0.3}C${x0 * 0.3} ${y + 0.4 - arch} ${x1 * 0.4} ${y - arch} ${x1} ${y + 1.9}C${x1 * 0.4} ${y - arch * 0.6 + thick * 0.85} ${x0 * 0.3} ${y + 0.6 - arch * 0.6 + thick} ${x0 * 0.98} ${y + 2 + thick * 0.6}Z`;
  const core = svg`M${x0 * 0.8} ${y + 1.5}C${x0 * 0.3} ${y + 0.7 - arch} ${x1 * 0.4} ${y + 0.4 - arch} ${x1 * 0.9} ${y + 1.6}`;
  return svg`<g transform="${eyeTransform(side, content)}"><path d="${path}" fill="${colour}" fill-opacity="${lerp(0.4, 0.6, style.brows)}"/><path d="${core}" stroke="${colour}" stroke-width="${thick * 0.75}" stroke-linecap="round" fill="none" stroke-opacity="${lerp(0.4, 0.65, style.brows)}"/></g>`;
}
