// What photographed people wear or hold before their faces: glasses, earrings, headphones, a hand, a lock of hair.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { hairColours } from './photo-hair-strands.js';
import { type Head, outside, overCrown, shadowOf, smoothPath } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { EYE_LEFT, EYE_RIGHT, turned } from './pose.js';
import { mix, type Point, svg } from './svg.js';

/** Glasses in head coordinates. */
export function photoGlasses(content: Content, style: PhotoStyle, head: Head): string {
  const { glasses } = style;
  if (glasses === 'none') return '';
  const rng = new Rng(style.detail, 'glasses');
  const isRound = rng.uniform() < 0.45;
  const frame =
    glasses === 'sun'
      ? '#141313'
      : rng.pick(
          glasses === 'thick'
            ? ['#15120f', '#2b1a12', '#4a2a1a', '#1d2433', '#5a1f24']
            : ['#8d7f66', '#6a6c70', '#2a2826'],
        );
  const line = glasses === 'thin' ? 0.65 : 1.5;
  const [rx, ry] = isRound ? [6.6, 5.9] : [7.5, 5];
  const sin = Math.sin(head.yaw);
  const lens = (eye: Point): { x: number; y: number; rx: number } => {
    const { point, width } = turned(content, eye);
    return { x: point[0] + 1.5 * sin, y: point[1] + 0.5, rx: rx * width };
  };
  const [left, right] = [lens(EYE_LEFT), lens(EYE_RIGHT)];
  const corner = isRound ? 6 : 2.4;
  let out = '';
  for (const { x, y, rx: half } of [left, right]) {
    const shape = svg`x="${x - half}" y="${y - ry}" width="${2 * half}" height="${2 * ry}" rx="${Math.min(corner, half)}" ry="${corner}"`;
    const glass =
      glasses === 'sun' ? svg`fill="#191a1e" fill-opacity=".9"` : svg`fill="#ffffff" fill-opacity=".06"`;
    out += svg`<rect ${shape} ${glass} stroke="${frame}" stroke-width="${line}"/>`;
    out += svg`<path d="M${x - half * 0.5} ${y - ry * 0.75}L${x - half * 0.75} ${y + ry * 0.1}" stroke="#ffffff" stroke-width="1.1" stroke-linecap="round" stroke-opacity="${glasses === 'sun' ? 0.3 : 0.28 * style.contrast}"/>`;
  }
  out += svg`<path d="M${left.x + left.rx} ${left.y - 0.6}Q${(left.x + left.rx + right.x - right.rx) / 2 + sin} ${left.y - 2.4} ${right.x - right.rx} ${right.y - 0.6}" stroke="${frame}" stroke-width="${line}" fill="none"/>`;
  for (const [side, { x, y, rx: half }] of [[-1, left] as const, [1, right] as const]) {
    const end = head.at(side * 82, -1.5, 0.3);
    if (side * (end[0] - (x + side * half)) > 0.5)
      out += svg`<path d="M${x + side * half} ${y - ry * 0.45}L${end}" stroke="${frame}" stroke-width="${line}"/>`;
  }
  return out;
}

/** Earrings, headphones or a hand, in head coordinates. */
export function photoExtra(content: Content, style: PhotoStyle, head: Head): string {
  switch (style.extra) {
    case 'none':
      return '';
    case 'earrings':
      return earrings(style, head);
    case 'headphones':
      return style.hat === 'none' ? headphones(style, head) : '';
    case 'hand':
      return hand(content, style, head);
    case 'lock':
      return style.hat === 'scarf' ? '' : lock(content, style, head);
  }
}

function earrings(style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'earrings');
  const metal = rng.pick(['#d9b25c', '#cfd2d6', '#e8e2d8', '#7a2f3a']);
  const kind = rng.pick(['stud', 'hoop', 'drop']);
  return [-1, 1]
    .filter((side) => side * Math.sin(head.yaw) < 0.3)
    .map((side) => {
      const x = head.at(side * 84, 9)[0] + side * 0.9;
      if (kind === 'hoop')
        return svg`<ellipse cx="${x}" cy="13.4" rx="2.3" ry="3.2" fill="none" stroke="${metal}" stroke-width=".8"/>`;
      const drop = kind === 'drop' ? svg`<path d="M${x} 10.4l1.1 5.4l-2.2 0Z" fill="${metal}"/>` : '';
      return svg`<circle cx="${x}" cy="9.8" r="1" fill="${metal}"/>${drop}`;
    })
    .join('');
}

function headphones(style: PhotoStyle, head: Head): string {
  const colour = mix(style.accent, '#1a1b1f', 0.6);
  const arc = overCrown(head, -2, () => 4.6);
  let out = svg`<path d="${smoothPath(arc)}" stroke="${colour}" stroke-width="3" fill="none" stroke-linecap="round"/>`;
  for (const side of [-1, 1] as const) {
    const near = -side * Math.sin(head.yaw);
    const [x] = outside(head, side, 2, 1.8 - 4 * near);
    out += svg`<rect x="${x - 3.4 - near}" y="-5.5" width="${6.8 + 2 * near}" height="15" rx="3.2" fill="${mix(colour, '#ffffff', 0.08)}"/><rect x="${x - side * 2.6 - 1.4}" y="-4.4" width="2.8" height="12.8" rx="1.4" fill="#0d0d0f" fill-opacity=".6"/>`;
  }
  return out;
}

/** A hand that the head leans on, at the cheek and below the chin; it leaves eyes and mouth free. */
function hand(_content: Content, style: PhotoStyle, head: Head): string {
  const drawn = style.detail % 2 === 0 ? 1 : -1;
  // On the near side the cheek has room for it.
  const side = Math.abs(head.yaw) > 0.08 ? -Math.sign(head.yaw) : drawn;
  const skin = mix(style.skin, '#c4574a', 0.08);
  const dark = shadowOf(style.skin);
  const edge = head.edges(17)[side < 0 ? 0 : 1];
  const wrist = edge + side * 9;
  const finger = (x0: number, y0: number, x1: number, y1: number, width: number): string =>
    svg`<path d="M${x0} ${y0}Q${(x0 + x1) / 2 + side * 1.4} ${(y0 + y1) / 2} ${x1} ${y1}" stroke="${mix(skin, dark, 0.55)}" stroke-width="${width + 0.7}" stroke-linecap="round" fill="none" stroke-opacity=".75"/><path d="M${x0} ${y0}Q${(x0 + x1) / 2 + side * 1.4} ${(y0 + y1) / 2} ${x1} ${y1}" stroke="${skin}" stroke-width="${width}" stroke-linecap="round" fill="none"/><circle cx="${x1}" cy="${y1 - 0.5}" r="${width * 0.26}" fill="${mix(skin, '#ffd9d0', 0.5)}" fill-opacity=".7"/>`;
  const arm = svg`<path d="M${wrist - side * 6} 27C${wrist - side * 7} 40 ${wrist - side * 4} 60 ${wrist - side * 6} 100L${wrist + side * 12} 100C${wrist + side * 9} 60 ${wrist + side * 7} 40 ${wrist + side * 4} 26Z" fill="${skin}"/>`;
  const sleeve = svg`<path d="M${wrist - side * 8} 46L${wrist + side * 9} 45L${wrist + side * 14} 110L${wrist - side * 9} 110Z" fill="${style.clothesColour}"/>`;
  const palm = svg`<path d="M${edge + side * 1} 13C${edge + side * 9} 10 ${edge + side * 14} 17 ${wrist + side * 4.5} 29L${wrist - side * 6.5} 30C${edge + side * 1} 27 ${edge - side * 2} 20 ${edge + side * 1} 13Z" fill="${skin}"/>`;
  return (
    arm +
    sleeve +
    finger(wrist + side * 1, 17, edge + side * 4, 6.5, 3.9) +
    finger(wrist - side * 1, 17.5, edge + side * 1, 8.5, 4.1) +
    palm +
    finger(wrist - side * 3, 22, edge - side * 4.6, 16.4, 4.2) +
    finger(wrist - side * 5, 28, edge - side * 7.4, 25, 4.4)
  );
}

/** A lock of hair that falls over an eye. */
function lock(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'lock');
  const { dark, lit } = hairColours(style);
  const side = rng.pick([-1, 1]);
  const face = (x: number, y: number): Point => turned(content, [side * x, y]).point;
  const root = head.at(side * 6, -22, 1.2);
  const end = face(rng.uniform(10, 15), rng.uniform(4, 10));
  const path = svg`M${root}C${face(10, -17)} ${face(13.5, -8)} ${end}C${face(9, -3)} ${face(5.5, -12)} ${head.at(-side * 2, -22, 1.2)}Z`;
  const strand = (x: number, y: number): string =>
    svg`M${root}C${face(x + 1, -16)} ${face(x + 3.4, -9)} ${face(x + 4, y)}`;
  return svg`<path d="${path}" fill="${style.hair}" fill-opacity=".9"/><path d="${strand(6, 2)}${strand(8, 8)}" stroke="${mix(style.hair, dark, 0.6)}" stroke-width=".6" fill="none"/><path d="${strand(7, 0)}${strand(5.4, -3)}" stroke="${mix(style.hair, lit, 0.6)}" stroke-width=".5" fill="none" stroke-opacity=".7"/>`;
}
