// Mouths of photographed faces.
import type { Content } from './factors.js';
import { shadowOf } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { MOUTH, turned } from './pose.js';
import { lerp, mix, svg } from './svg.js';

/** A mouth; its middle, between the upper edge of the upper lip and the lower edge of the lower one, is where `landmarksOf` says. */
export function photoMouth(content: Content, style: PhotoStyle): string {
  const { smile, open } = content;
  const { lips } = style;
  const full = 1 + 0.3 * style.lipFullness;
  const w = (lerp(6.1, 8.6, smile) - 1 * open) * (1 + 0.03 * style.build);
  const gap = 5 * open;
  const upper = (1.75 - 0.35 * open - 0.3 * smile) * full;
  const lower = (2.35 - 0.5 * open - 0.3 * smile) * full;
  // Heights from the middle of the mouth: edges of the lips, and of what is between them.
  const half = (upper + gap + lower) / 2;
  const top = -half + upper;
  const bottom = half - lower;
  const corner = lerp(top, bottom, 0.4) + lerp(0.55, -1.5, smile);
  const dark = mix(lips, '#2a0a0c', 0.6);
  const shade = shadowOf(style.skin);
  const bend = (y: number): number => corner + (y - corner) * 1.33;
  const inside = svg`M${-w * 0.97} ${corner}C${-w * 0.5} ${bend(top)} ${w * 0.5} ${bend(top)} ${w * 0.97} ${corner}C${w * 0.5} ${bend(bottom)} ${-w * 0.5} ${bend(bottom)} ${-w * 0.97} ${corner}Z`;
  const lipsPath = svg`M${-w} ${corner}C${-w * 0.62} ${corner - 0.9} ${-w * 0.42} ${-half - 0.5} ${-w * 0.2} ${-half - 0.25}Q${-w * 0.1} ${-half - 0.15} 0 ${-half + 0.3}Q${w * 0.1} ${-half - 0.15} ${w * 0.2} ${-half - 0.25}C${w * 0.42} ${-half - 0.5} ${w * 0.62} ${corner - 0.9} ${w} ${corner}C${w * 0.6} ${bend(half)} ${-w * 0.6} ${bend(half)} ${-w} ${corner}Z`;
  const seam = svg`M${-w} ${corner}C${-w * 0.5} ${bend(top)} ${w * 0.5} ${bend(top)} ${w} ${corner}`;
  let out = svg`<path d="${lipsPath}" fill="${lips}"/><path d="${lipsPath}" fill="none" stroke="${mix(lips, style.skin, 0.5)}" stroke-width=".6" stroke-opacity=".6"/>`;
  out += svg`<path d="M${-w} ${corner}C${-w * 0.62} ${corner - 0.9} ${-w * 0.42} ${-half - 0.5} 0 ${-half + 0.2}C${w * 0.42} ${-half - 0.5} ${w * 0.62} ${corner - 0.9} ${w} ${corner}C${w * 0.5} ${bend(top)} ${-w * 0.5} ${bend(top)} ${-w} ${corner}Z" fill="${dark}" fill-opacity=".3"/>`;
  if (open > 0.06) {
    const teeth = top + Math.min(2.3, 0.62 * gap + 0.25);
    out += svg`<path d="${inside}" fill="#2c0d0e"/><clipPath id="mouth"><path d="${inside}"/></clipPath><g clip-path="url(#mouth)"><ellipse cx="0" cy="${bottom + 1}" rx="${w * 0.55}" ry="${0.35 * gap + 0.4}" fill="#8f3d40"/>
<path d="M${-w * 0.84} ${corner - 4}L${w * 0.84} ${corner - 4}L${w * 0.74} ${lerp(corner, teeth, 0.65)}Q0 ${teeth + 0.9} ${-w * 0.74} ${lerp(corner, teeth, 0.65)}Z" fill="#ded5c9"/><path d="${seam}" stroke="#2c0d0e" stroke-width="1" fill="none" stroke-opacity=".4"/></g>`;
  } else {
    out += svg`<path d="${seam}" stroke="${dark}" stroke-width=".75" stroke-linecap="round" fill="none" stroke-opacity=".85"/>`;
  }
  for (const side of [-1, 1])
    out += svg`<ellipse cx="${side * w}" cy="${corner}" rx="1.3" ry="1.1" fill="url(#shade)" fill-opacity=".6"/>`;
  const { point, width } = turned(content, MOUTH);
  const under = svg`<ellipse cx="0" cy="${half + 1.5}" rx="${w * 0.62}" ry="1.5" fill="url(#shade)" fill-opacity=".4"/>`;
  return svg`<g transform="translate(${point}) scale(${width} 1)">${under}${out}<path d="M0 ${-half - 0.6}l0 -2.6" stroke="${shade}" stroke-width="1.2" stroke-opacity=".12"/></g>`;
}
