// Backgrounds of anime portraits.
import { Rng } from '../base/rng.js';
import type { AnimeStyle } from './factors.js';
import { decimal, svg } from './svg.js';

/** The flat or patterned background of an anime portrait, over the whole canvas. */
export function animeBackground(style: AnimeStyle): string {
  const [first, second] = style.backgroundColours as [string, string];
  const rng = new Rng(style.detail, 'background');
  return svg`<rect width="100" height="100" fill="${first}"/>${pattern(style.background, second, rng)}`;
}

function pattern(kind: AnimeStyle['background'], colour: string, rng: Rng): string {
  switch (kind) {
    case 'flat':
      return '';
    case 'split':
      return svg`<path d="M0 ${rng.uniform(20, 70)}L100 ${rng.uniform(20, 70)}L100 100L0 100Z" fill="${colour}"/>`;
    case 'rays':
      return rays(colour, rng);
    case 'halftone':
      return halftone(colour);
    case 'stripes':
      return stripes(colour, rng);
    case 'bubbles':
    case 'hearts':
    case 'petals':
      return scatter(kind, colour, rng);
  }
}

function rays(colour: string, rng: Rng): string {
  const count = 14;
  const turn = rng.uniform(0, Math.PI);
  let path = '';
  for (let i = 0; i < count; i++) {
    const from = turn + (2 * Math.PI * i) / count;
    const to = from + Math.PI / count;
    path += svg`M50 50L${50 + 90 * Math.cos(from)} ${50 + 90 * Math.sin(from)}L${50 + 90 * Math.cos(to)} ${50 + 90 * Math.sin(to)}Z`;
  }
  return `<path d="${path}" fill="${colour}"/>`;
}

/** Dots that grow downwards, with every other row shifted by half a step. */
function halftone(colour: string): string {
  let dots = '';
  for (let row = 0; row < 13; row++) {
    for (let column = 0; column < 14; column++) {
      dots += svg`<circle cx="${column * 8 + (row % 2) * 4}" cy="${row * 8}" r="${0.9 + row * 0.27}"/>`;
    }
  }
  return `<g fill="${colour}">${dots}</g>`;
}

function stripes(colour: string, rng: Rng): string {
  let bars = '';
  for (let x = -120; x < 120; x += 16) bars += `<rect x="${x}" y="-120" width="8" height="240"/>`;
  return svg`<g fill="${colour}" transform="translate(50 50) rotate(${rng.pick([-45, 0, 45])})">${bars}</g>`;
}

const MOTIFS = {
  bubbles: '<circle r="1"/>',
  hearts:
    '<path d="M0 .9C-1.6 -.1 -1 -1.1 -.45 -.9C-.15 -.8 0 -.5 0 -.4C0 -.5 .15 -.8 .45 -.9C1 -1.1 1.6 -.1 0 .9Z"/>',
  petals: '<path d="M0 1C-.9 .3 -.7 -.7 -.2 -1L0 -.7L.2 -1C.7 -.7 .9 .3 0 1Z"/>',
} as const;

function scatter(kind: keyof typeof MOTIFS, colour: string, rng: Rng): string {
  const [step, low, high] = kind === 'bubbles' ? [20, 4, 9] : [17, 4, 6.5];
  let out = '';
  for (let y = 0; y <= 100; y += step) {
    for (let x = 0; x <= 100; x += step) {
      const place = svg`translate(${x + rng.uniform(-6, 6)} ${y + rng.uniform(-6, 6)}) rotate(${kind === 'hearts' ? rng.uniform(-25, 25) : rng.uniform(0, 360)})`;
      out += `<g transform="${place} scale(${decimal(rng.uniform(low, high))})" opacity="${decimal(rng.uniform(0.6, 1))}">${MOTIFS[kind]}</g>`;
    }
  }
  return `<g fill="${colour}">${out}</g>`;
}
