// Backgrounds of anime portraits: flat colours and coarse patterns, which a small image can show.
import { Rng } from '../../base/rng.js';
import { decimal, svg } from '../svg.js';
import type { BackgroundKind } from './kinds.js';
import type { AnimeStyle } from './style.js';

/** The background of an anime portrait, over the whole canvas. */
export function background(style: AnimeStyle): string {
  const [first, second] = style.backgroundColours as [string, string];
  const rng = new Rng(style.detail, 'background');
  return svg`<rect width="100" height="100" fill="${first}"/>${PATTERNS[style.background](second, rng)}`;
}

const PATTERNS: Readonly<Record<BackgroundKind, (colour: string, rng: Rng) => string>> = {
  flat: () => '',
  split: (colour, rng) =>
    svg`<path d="M0 ${rng.uniform(20, 70)}L100 ${rng.uniform(20, 70)}L100 100L0 100Z" fill="${colour}"/>`,
  rays,
  halftone,
  stripes,
  glow: (colour) =>
    `<linearGradient id="glow" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${colour}" stop-opacity="0"/><stop offset="1" stop-color="${colour}"/></linearGradient><rect width="100" height="100" fill="url(#glow)"/>`,
  bubbles: (colour, rng) => scatter('<circle r="1"/>', 24, [5, 10], 180, colour, rng),
  hearts: (colour, rng) =>
    scatter(
      '<path d="M0 .9C-1.6 -.1 -1 -1.1 -.45 -.9C-.15 -.8 0 -.5 0 -.4C0 -.5 .15 -.8 .45 -.9C1 -1.1 1.6 -.1 0 .9Z"/>',
      22,
      [5, 8],
      25,
      colour,
      rng,
    ),
  petals: (colour, rng) =>
    scatter(
      '<path d="M0 1C-.9 .3 -.7 -.7 -.2 -1L0 -.7L.2 -1C.7 -.7 .9 .3 0 1Z"/>',
      22,
      [5, 8],
      180,
      colour,
      rng,
    ),
  clouds,
  sun: (colour, rng) =>
    svg`<circle cx="${rng.uniform(30, 70)}" cy="${rng.uniform(28, 46)}" r="${rng.uniform(30, 38)}" fill="${colour}"/>`,
  hills,
  waves,
};

function rays(colour: string, rng: Rng): string {
  const count = rng.pick([9, 11, 14]);
  const turn = rng.uniform(0, Math.PI);
  let path = '';
  for (let i = 0; i < count; i++) {
    const from = turn + (2 * Math.PI * i) / count;
    const to = from + Math.PI / count;
    path += svg`M50 50L${50 + 90 * Math.cos(from)} ${50 + 90 * Math.sin(from)}L${50 + 90 * Math.cos(to)} ${50 + 90 * Math.sin(to)}Z`;
  }
  return `<path d="${path}" fill="${colour}"/>`;
}

/** Large dots that grow downwards, with every other row shifted by half a step. */
function halftone(colour: string): string {
  let out = '';
  for (let row = 0; row < 9; row++)
    for (let column = 0; column < 10; column++)
      out += svg`<circle cx="${column * 12 + (row % 2) * 6}" cy="${row * 12}" r="${2 + row * 0.4}"/>`;
  return `<g fill="${colour}">${out}</g>`;
}

function stripes(colour: string, rng: Rng): string {
  let bars = '';
  for (let x = -120; x < 120; x += 24) bars += `<rect x="${x}" y="-120" width="12" height="240"/>`;
  return svg`<g fill="${colour}" transform="translate(50 50) rotate(${rng.pick([-45, 0, 45])})">${bars}</g>`;
}

function clouds(colour: string, rng: Rng): string {
  let out = '';
  for (const y of [14, 42, 70, 96]) {
    const x = rng.uniform(-10, 90);
    const r = rng.uniform(8, 13);
    for (const [dx, share] of [
      [-1.3, 0.7],
      [0, 1],
      [1.4, 0.75],
    ] as const)
      out += svg`<ellipse cx="${x + dx * r}" cy="${y - r * share * 0.4}" rx="${r * share * 1.15}" ry="${r * share * 0.8}"/>`;
  }
  return `<g fill="${colour}">${out}</g>`;
}

function hills(colour: string, rng: Rng): string {
  const [a, b] = [rng.uniform(50, 75), rng.uniform(50, 75)];
  const peak = rng.uniform(20, 80);
  return (
    svg`<path d="M${peak - 48} 100L${peak - 4} ${a - 32}Q${peak} ${a - 36} ${peak + 4} ${a - 32}L${peak + 48} 100Z" fill="${colour}" opacity=".55"/>` +
    svg`<path d="M0 ${a}C30 ${a - 14} 60 ${b + 10} 100 ${b}L100 100L0 100Z" fill="${colour}"/>`
  );
}

/** Scales of waves in rows, each of two arcs. */
function waves(colour: string): string {
  let out = '';
  for (let row = 0; row < 7; row++)
    for (let column = -1; column < 5; column++) {
      const x = column * 26 + (row % 2) * 13;
      const y = row * 17;
      out += `<path d="M${x - 13} ${y + 9}A13 13 0 0 1 ${x + 13} ${y + 9}M${x - 6} ${y + 9}A6 6 0 0 1 ${x + 6} ${y + 9}"/>`;
    }
  return `<g fill="none" stroke="${colour}" stroke-width="2.2">${out}</g>`;
}

function scatter(
  motif: string,
  step: number,
  [low, high]: readonly [number, number],
  rotation: number,
  colour: string,
  rng: Rng,
): string {
  let out = '';
  for (let y = 4; y <= 104; y += step)
    for (let x = 4; x <= 104; x += step) {
      const place = svg`translate(${x + rng.uniform(-7, 7)} ${y + rng.uniform(-7, 7)}) rotate(${rng.uniform(-rotation, rotation)})`;
      out += `<g transform="${place} scale(${decimal(rng.uniform(low, high))})" opacity="${decimal(rng.uniform(0.6, 1))}">${motif}</g>`;
    }
  return `<g fill="${colour}">${out}</g>`;
}
