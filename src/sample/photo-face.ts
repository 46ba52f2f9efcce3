// Colours of the skin of photographed faces: ears, blush, nose, freckles and wrinkles. Light comes later.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { photoBeard } from './photo-beard.js';
import { photoBrow, photoEye } from './photo-eyes.js';
import { type Head, shadowOf } from './photo-head.js';
import { photoMouth } from './photo-mouth.js';
import { noseBase } from './photo-relief.js';
import type { PhotoStyle } from './photo-style.js';
import { turned } from './pose.js';
import { mix, type Point, svg } from './svg.js';

/** Where a feature is on a turned head, given how far it stands out of the face. */
function placed(content: Content, head: Head, point: Point, rise = 0): Point {
  const [x, y] = turned(content, point).point;
  return [x + rise * Math.sin(head.yaw), y];
}

/** Gradients of soft patches on the skin. */
export function faceDefinitions(style: PhotoStyle, head: Head): string {
  const patch = (id: string, colour: string): string =>
    svg`<radialGradient id="${id}"><stop offset="0" stop-color="${colour}"/><stop offset=".5" stop-color="${colour}" stop-opacity=".55"/><stop offset="1" stop-color="${colour}" stop-opacity="0"/></radialGradient>`;
  return (
    patch('blush', mix(style.skin, '#c4413a', 0.4)) +
    patch('shade', shadowOf(style.skin)) +
    patch('pale', mix(style.skin, '#ffeecb', 0.5)) +
    patch('beardPatch', mix(style.hair, style.skin, 0.25)) +
    `<clipPath id="head"><path d="${head.path}"/></clipPath>`
  );
}

/** Ears, skin and features in head coordinates. */
export function photoFace(content: Content, style: PhotoStyle, head: Head): string {
  const nearEar = Math.abs(head.yaw) > 0.12 ? ear(style, head, head.yaw > 0 ? -1 : 1) : '';
  const farEar =
    ear(style, head, head.yaw > 0 ? 1 : -1) + (nearEar ? '' : ear(style, head, head.yaw > 0 ? -1 : 1));
  return [
    farEar,
    `<path d="${head.path}" fill="${style.skin}"/>`,
    `<g clip-path="url(#head)">${patches(content, style, head)}</g>${wrinkles(content, style, head)}${freckles(content, style, head)}`,
    nearEar,
    photoBeard(content, style, head),
    nose(content, style, head),
    photoMouth(content, style),
    photoEye(-1, content, style),
    photoEye(1, content, style),
    photoBrow(-1, content, style),
    photoBrow(1, content, style),
  ].join('');
}

function ear(style: PhotoStyle, head: Head, side: -1 | 1): string {
  const towards = -side * Math.sin(head.yaw) * 2;
  if (towards < -0.85) return '';
  const [x] = head.at(side * 84, 2);
  const width = side * (3.7 + 2.2 * towards);
  const red = mix(style.skin, '#b5483c', 0.2);
  const inner = shadowOf(style.skin);
  return svg`<path d="M${x - side} -4C${x + width * 0.7} -8 ${x + width * 1.25} -4 ${x + width} 1.5C${x + width * 0.85} 5 ${x + width * 0.55} 10 ${x} 9.4Z" fill="${red}"/><path d="M${x + width * 0.25} -3.4C${x + width * 0.9} -5 ${x + width * 0.9} -1 ${x + width * 0.55} 3.6" stroke="${inner}" stroke-width="1.1" fill="none" stroke-opacity=".5"/>`;
}

function patches(content: Content, style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'patches');
  const at = (x: number, y: number, rise = 0): Point => placed(content, head, [x, y], rise);
  const ellipse = ([x, y]: Point, rx: number, ry: number, fill: string, opacity: number): string =>
    svg`<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="url(#${fill})" fill-opacity="${opacity}"/>`;
  const redness = rng.uniform(0.2, 0.55);
  let out = ellipse(at(0, -17), 15, 8, 'pale', 0.4);
  for (const side of [-1, 1]) {
    const width = turned(content, [side * 12, 8]).width;
    out += ellipse(at(side * 12.2, 9), 8.5 * width, 6.5, 'blush', redness * rng.uniform(0.8, 1.2));
    out += ellipse(at(side * 9.5, 0.4), 7.4 * width, 5, 'shade', 0.42 + 0.15 * style.age);
    out += ellipse(at(side * 8.6, 6), 4.6 * width, 2, 'shade', 0.16 + 0.3 * style.age);
  }
  out += ellipse(at(0, noseBase(style) - 2, 4), 4.6, 4, 'blush', redness * 0.8);
  out += ellipse(at(0, 25.4), 5, 3.4, 'blush', redness * 0.4);
  if (style.build > 0.2 && style.beard === 'none')
    out += ellipse(at(0, 21), 15, 9, 'beardPatch', 0.16 * style.build);
  const [moleX, moleY] = at(rng.uniform(-13, 13), rng.uniform(5, 22));
  if (rng.uniform() < 0.3)
    out += svg`<circle cx="${moleX}" cy="${moleY}" r=".5" fill="${shadowOf(style.skin)}" fill-opacity=".8"/>`;
  return out;
}

function freckles(content: Content, style: PhotoStyle, head: Head): string {
  if (style.freckles === 0) return '';
  const rng = new Rng(style.detail, 'freckles');
  const colour = mix(style.skin, '#8a4a2a', 0.6);
  let out = '';
  for (let i = 0; i < 70 * style.freckles; i++) {
    const [x, y] = placed(content, head, [rng.normal(0, 8), rng.normal(6.5, 3.2)]);
    out += svg`<circle cx="${x}" cy="${y}" r="${rng.uniform(0.25, 0.55)}" fill="${colour}" fill-opacity="${rng.uniform(0.3, 0.7)}"/>`;
  }
  return out;
}

/** Lines that come with age and with a smile. */
function wrinkles(content: Content, style: PhotoStyle, head: Head): string {
  const { age } = style;
  const { smile, open } = content;
  const rng = new Rng(style.detail, 'wrinkles');
  const colour = shadowOf(style.skin);
  const line = (points: readonly Point[], width: number, opacity: number): string => {
    const [a, b, c] = points.map((point) => placed(content, head, point)) as [Point, Point, Point];
    return svg`<path d="M${a}Q${b} ${c}" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" fill="none" stroke-opacity="${Math.min(0.8, opacity)}"/>`;
  };
  const base = noseBase(style);
  let out = '';
  for (const side of [-1, 1]) {
    const fold = 0.1 + 0.3 * smile + 0.45 * age ** 1.5;
    const end: Point = [side * (9.6 + smile), 17 + 1.5 * open];
    const points: Point[] = [[side * 4.8, base - 1], [side * (8.6 + 1.4 * smile), base + 1.4], end];
    out += line(points, 1.3, fold * 0.5) + line(points, 0.55, fold * 0.7);
    if (age > 0.3) {
      out += line(
        [
          [side * 5.6, 6.2],
          [side * 9.4, 8.4],
          [side * 13.6, 6],
        ],
        0.5,
        0.6 * age,
      );
      for (const k of [0, 1, 2]) {
        const y = 1 + 1.7 * k;
        out += line(
          [
            [side * 15.4, y],
            [side * 17, y + 0.3 * (k - 1)],
            [side * 17.8, y + 1.3 * (k - 1)],
          ],
          0.4,
          (0.5 * age + 0.25 * smile) * (age - 0.1),
        );
      }
    }
    if (age > 0.6)
      out += line(
        [
          [side * 8, 20],
          [side * 10, 23],
          [side * 9, 25.4],
        ],
        0.8,
        0.4 * age,
      );
  }
  if (age > 0.35)
    for (const k of [0, 1, 2]) {
      const y = -12.4 - 3.1 * k + rng.uniform(-0.4, 0.4);
      out += line(
        [
          [-11 + rng.uniform(0, 3), y],
          [rng.uniform(-2, 2), y - 1.2],
          [11 - rng.uniform(0, 3), y],
        ],
        0.55,
        (age - 0.25) * 0.75,
      );
    }
  if (age > 0.4)
    out +=
      line(
        [
          [-1.3, -6.6],
          [-1.6, -4.6],
          [-1.1, -3],
        ],
        0.4,
        age * 0.5,
      ) +
      line(
        [
          [1.3, -6.6],
          [1.7, -4.6],
          [1.2, -3],
        ],
        0.4,
        age * 0.5,
      );
  return out;
}

function nose(content: Content, style: PhotoStyle, head: Head): string {
  const base = noseBase(style);
  const wide = 1 + 0.2 * style.noseWidth;
  const shade = shadowOf(style.skin);
  const deep = mix(shade, '#120504', 0.6);
  const sin = Math.sin(head.yaw);
  let out = '';
  const [x, y] = placed(content, head, [0, base + 1.4], 2);
  out += svg`<ellipse cx="${x}" cy="${y}" rx="${5.2 * wide}" ry="1.9" fill="url(#shade)" fill-opacity=".55"/>`;
  for (const side of [-1, 1]) {
    const [nx, ny] = placed(content, head, [side * 2.1 * wide, base], 3.6);
    const narrow = Math.max(0.35, 1 - side * sin * 0.9);
    out += svg`<ellipse cx="${nx}" cy="${ny}" rx="${1.25 * wide * narrow}" ry=".68" fill="${deep}" fill-opacity=".72" transform="rotate(${side * -16} ${nx} ${ny})"/>`;
    const [ax, ay] = placed(content, head, [side * 4.2 * wide, base - 2.2], 2.6);
    const [bx, by] = placed(content, head, [side * 5.4 * wide, base - 0.8], 2.2);
    const [cx, cy] = placed(content, head, [side * 3.8 * wide, base + 0.5], 2.8);
    out += svg`<path d="M${ax} ${ay}Q${bx} ${by} ${cx} ${cy}" stroke="${shade}" stroke-width=".7" stroke-linecap="round" fill="none" stroke-opacity=".5"/>`;
  }
  // On a turned head the far side of the nose ends in front of the cheek.
  if (Math.abs(sin) > 0.12) {
    const far = Math.sign(sin);
    const [ax, ay] = placed(content, head, [far * 2.2, -1], 1);
    const [bx, by] = placed(content, head, [far * 1.6, 4], 3.5);
    const [cx, cy] = placed(content, head, [far * 2.4 * wide, base - 2.2], 5.4);
    out += svg`<path d="M${ax} ${ay}Q${bx} ${by} ${cx} ${cy}" stroke="${shade}" stroke-width=".9" stroke-linecap="round" fill="none" stroke-opacity="${Math.abs(sin) * 0.9}"/>`;
  }
  return out;
}
