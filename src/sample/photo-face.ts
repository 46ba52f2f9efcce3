// Faces of photographic portraits.
import type { Content, PhotoStyle } from './factors.js';
import { headPath, shadowOf } from './photo-head.js';
import { clamp, lerp, mix, svg } from './svg.js';

const EYE_X = 9;
const EYE_Y = -2.2;
const MOUTH_Y = 16.2;

/** Ears, head and features in head coordinates; uses the gradients and filters of `photoSvg`. */
export function photoFace(content: Content, style: PhotoStyle): string {
  const features = [
    ears(style),
    `<path d="${headPath(style.jaw)}" fill="url(#skin)"/>`,
    `<g clip-path="url(#head)">${modelling(style)}</g>`,
    nose(style),
    mouth(content, style),
    eye(-1, content, style),
    eye(1, content, style),
    brow(-1, content, style),
    brow(1, content, style),
  ];
  return features.join('');
}

function ears(style: PhotoStyle): string {
  const shade = shadowOf(style.skin);
  return [-1, 1]
    .map(
      (side) =>
        svg`<path d="M${side * 19.5} -5C${side * 23.5} -8 ${side * 25} -3 ${side * 23.6} 2.5C${side * 22.6} 7 ${side * 20.6} 9 ${side * 19} 7.5Z" fill="${mix(style.skin, shade, side * style.light > 0 ? 0.25 : 0.6)}"/><path d="M${side * 21} -3.4C${side * 23} -4.4 ${side * 23.4} -1 ${side * 22} 2.6" stroke="${shade}" stroke-width=".8" fill="none" opacity=".6" filter="url(#blur05)"/>`,
    )
    .join('');
}

/** Broad light and shadow: side plane, sockets, cheeks, forehead, chin. */
function modelling(style: PhotoStyle): string {
  const { skin, light } = style;
  const shade = shadowOf(skin);
  const lit = mix(skin, '#fff8ee', 0.55);
  const blush = mix(skin, '#c4473f', 0.4);
  const far = -light;
  let out = svg`<path d="M${far * 23} -24C${far * 13} -14 ${far * 16} 8 ${far * 7} 29L${far * 26} 29Z" fill="${shade}" opacity="${0.22 + 0.22 * Math.abs(light)}" filter="url(#blur4)"/>`;
  out += svg`<ellipse cx="0" cy="29" rx="13" ry="3.4" fill="${shade}" opacity=".5" filter="url(#blur2)"/>`;
  for (const side of [-1, 1]) {
    out += svg`<ellipse cx="${side * EYE_X}" cy="${EYE_Y - 0.8}" rx="6.6" ry="3.6" fill="${shade}" opacity=".34" filter="url(#blur2)"/>`;
    out += svg`<ellipse cx="${side * 12}" cy="8.6" rx="5" ry="3.6" fill="${blush}" opacity=".38" filter="url(#blur2)"/>`;
    out += svg`<path d="M${side * 4.6} 9.6Q${side * 8.4} 12.4 ${side * 8.6} 16.4" stroke="${shade}" stroke-width="1" fill="none" opacity=".22" filter="url(#blur1)"/>`;
  }
  out += svg`<ellipse cx="${light * 11}" cy="4.4" rx="4" ry="2.2" fill="${lit}" opacity=".34" filter="url(#blur2)"/>`;
  out += svg`<ellipse cx="${light * 5}" cy="-15" rx="8" ry="4.4" fill="${lit}" opacity=".34" filter="url(#blur2)"/>`;
  out += svg`<ellipse cx="${light}" cy="23.6" rx="3.6" ry="1.8" fill="${lit}" opacity=".28" filter="url(#blur1)"/>`;
  return out;
}

function nose(style: PhotoStyle): string {
  const { skin, light } = style;
  const shade = shadowOf(skin);
  const deep = mix(shade, '#1a0906', 0.45);
  const lit = mix(skin, '#fff8ee', 0.6);
  const far = -light;
  let out = svg`<path d="M${far * 2.6} -3C${far * 1.6} 1 ${far * 2.4} 5 ${far * 4.3} 8.4L${far * 1.2} 9.6Z" fill="${shade}" opacity=".42" filter="url(#blur1)"/>`;
  out += svg`<path d="M-4.6 8.8Q0 12.6 4.6 8.8Q2.2 10.9 0 10.9Q-2.2 10.9 -4.6 8.8Z" fill="${shade}" stroke="${shade}" stroke-width=".7" opacity=".5" filter="url(#blur05)"/>`;
  out += svg`<path d="M${light * 0.5} -3L${light * 0.7} 6" stroke="${lit}" stroke-width="1.5" stroke-linecap="round" opacity=".4" filter="url(#blur1)"/>`;
  out += svg`<ellipse cx="${light * 0.8}" cy="7.4" rx="1.7" ry="1.3" fill="${lit}" opacity=".55" filter="url(#blur05)"/>`;
  for (const side of [-1, 1]) {
    out += svg`<ellipse cx="${side * 2.1}" cy="9.8" rx="1.15" ry=".62" fill="${deep}" opacity=".65" transform="rotate(${side * -14} ${side * 2.1} 9.8)"/>`;
    out += svg`<path d="M${side * 4} 6.6Q${side * 5.2} 8 ${side * 4.1} 9.5" stroke="${shade}" stroke-width=".7" fill="none" opacity=".5" filter="url(#blur05)"/>`;
  }
  return out;
}

function mouth(content: Content, style: PhotoStyle): string {
  const { smile, open } = content;
  const w = lerp(5.6, 8.4, smile) - 0.8 * open;
  const corner = MOUTH_Y + lerp(0.45, -1.8, smile);
  const gap = 5.4 * open;
  const top = MOUTH_Y - 0.1 - 0.1 * gap;
  const bottom = MOUTH_Y + 0.5 + gap + 0.5 * smile;
  const lips = style.lips;
  const dark = mix(lips, '#2a0a0c', 0.55);
  const shade = shadowOf(style.skin);
  const upper = svg`M${-w} ${corner}C${-w * 0.6} ${top - 1.9} -2.2 ${top - 3.1} 0 ${top - 2}C2.2 ${top - 3.1} ${w * 0.6} ${top - 1.9} ${w} ${corner}C${w * 0.5} ${top + 0.5} ${-w * 0.5} ${top + 0.5} ${-w} ${corner}Z`;
  const lower = svg`M${-w} ${corner}C${-w * 0.5} ${bottom + 0.1} ${w * 0.5} ${bottom + 0.1} ${w} ${corner}C${w * 0.62} ${bottom + 3.3} ${-w * 0.62} ${bottom + 3.3} ${-w} ${corner}Z`;
  const hole = svg`M${-w} ${corner}C${-w * 0.5} ${top + 0.4} ${w * 0.5} ${top + 0.4} ${w} ${corner}C${w * 0.5} ${bottom + 0.4} ${-w * 0.5} ${bottom + 0.4} ${-w} ${corner}Z`;
  let out = svg`<ellipse cx="0" cy="${bottom + 3.6}" rx="${w * 0.6}" ry="1.1" fill="${shade}" opacity=".4" filter="url(#blur1)"/>`;
  out += `<path d="${hole}" fill="#3a1214"/>`;
  if (open > 0.08) {
    out += svg`<clipPath id="hole"><path d="${hole}"/></clipPath><g clip-path="url(#hole)"><ellipse cx="0" cy="${bottom + 1.4}" rx="${w * 0.55}" ry="2" fill="#a8484c" filter="url(#blur05)"/><path d="M${-w * 0.8} ${corner - 3}L${w * 0.8} ${corner - 3}L${w * 0.7} ${top + 0.8 + 0.22 * gap}Q0 ${top + 1.6 + 0.34 * gap} ${-w * 0.7} ${top + 0.8 + 0.22 * gap}Z" fill="#efe8df"/></g>`;
  } else {
    out += svg`<path d="${hole}" stroke="${dark}" stroke-width=".5" fill="none" opacity=".6"/>`;
  }
  out += svg`<g filter="url(#lips)"><path d="${upper}" fill="${mix(lips, dark, 0.25)}"/><path d="${lower}" fill="${lips}"/></g>`;
  out += svg`<ellipse cx="${style.light * 1.2}" cy="${bottom + 1}" rx="2" ry=".5" fill="#fff" opacity=".28" filter="url(#blur05)"/>`;
  for (const side of [-1, 1]) {
    out += svg`<circle cx="${side * w}" cy="${corner}" r=".8" fill="${dark}" opacity=".45" filter="url(#blur05)"/>`;
  }
  return out;
}

function eye(side: -1 | 1, content: Content, style: PhotoStyle): string {
  const h = 2.3 + 0.3 * style.eyeOpening - 0.25 * content.smile;
  const cx = side * EYE_X;
  const s = side;
  const inner = -4.3 * s;
  const outer = 4.5 * s;
  const lid = svg`M${inner} .7C${inner * 0.55} ${-h * 1.25} ${outer * 0.5} ${-h * 1.35} ${outer} -.2`;
  const white = svg`${lid}C${outer * 0.5} ${h * 0.95} ${inner * 0.5} ${h * 0.95} ${inner} .7Z`;
  const crease = svg`M${inner * 0.95} ${-0.9}C${inner * 0.5} ${-h * 1.75} ${outer * 0.6} ${-h * 1.85} ${outer * 1.08} ${-1.2}`;
  const ix = clamp(content.gazeX, -1, 1) * 1.7;
  const iy = clamp(content.gazeY, -1, 1) * 0.9 - 0.1;
  const lash = mix(style.hair, '#0d0806', 0.75);
  const shade = shadowOf(style.skin);
  const id = side < 0 ? 'eyeL' : 'eyeR';
  return svg`<g transform="translate(${cx} ${EYE_Y})"><clipPath id="${id}"><path d="${white}"/></clipPath>
<path d="${white}" fill="${mix('#efe9e4', style.skin, 0.16)}"/><g clip-path="url(#${id})">
<circle cx="${inner}" cy=".7" r="1" fill="#c98a80" opacity=".8"/>
<circle cx="${ix}" cy="${iy}" r="2.55" fill="${mix(style.iris, '#0a0605', 0.55)}"/><circle cx="${ix}" cy="${iy + 0.15}" r="2.1" fill="${style.iris}"/>
<circle cx="${ix}" cy="${iy + 0.7}" r="1.25" fill="${mix(style.iris, '#ffffff', 0.3)}" opacity=".55" filter="url(#blur05)"/>
<circle cx="${ix}" cy="${iy}" r="1.05" fill="#0c0808"/>
<path d="${lid}" stroke="#2a1a1a" stroke-width="1.7" fill="none" opacity=".35" filter="url(#blur05)"/></g>
<circle cx="${ix + style.light * 0.7}" cy="${iy - 0.8}" r=".55" fill="#fff"/>
<path d="${lid}L${outer * 1.12} ${-0.55}" stroke="${lash}" stroke-width=".85" stroke-linecap="round" stroke-linejoin="round" fill="none"/>
<path d="M${outer} -.2C${outer * 0.5} ${h * 0.95} ${inner * 0.5} ${h * 0.95} ${inner} .7" stroke="${mix(shade, lash, 0.3)}" stroke-width=".4" fill="none" opacity=".7"/>
<path d="${crease}" stroke="${shade}" stroke-width=".6" fill="none" opacity=".65"/>
<path d="M${inner * 0.8} ${h + 1.2}Q0 ${h + 2.6} ${outer * 0.8} ${h + 0.9}" stroke="${shade}" stroke-width=".7" fill="none" opacity=".25" filter="url(#blur05)"/></g>`;
}

function brow(side: -1 | 1, content: Content, style: PhotoStyle): string {
  const thick = lerp(0.8, 1.6, style.brows);
  const y = EYE_Y - 6 - 0.7 * content.open - 0.3 * style.eyeOpening;
  const s = side;
  const colour = mix(style.hair, '#1a110c', 0.45);
  return svg`<path d="M${s * 4} ${y + 0.9}C${s * 7} ${y - 1.3} ${s * 11} ${y - 1.9} ${s * 15.2} ${y + 1.1}C${s * 11} ${y - 0.7 + thick * 0.35} ${s * 7.5} ${y + thick * 0.7} ${s * 4.2} ${y + 0.9 + thick}Z" fill="${colour}" stroke="${colour}" stroke-width=".35" stroke-linejoin="round" opacity=".82" filter="url(#brow)"/>`;
}
