// What is behind the people of photographs; the lens blurs it.
import { Rng } from '../base/rng.js';
import type { PhotoStyle } from './photo-style.js';
import { mix, svg } from './svg.js';

/** The scene of a style over the whole image. */
export function photoBackground(style: PhotoStyle): string {
  const rng = new Rng(style.detail, 'scene');
  const [base, bright, dark] = style.background as [string, string, string];
  return wall(style, base, bright, dark) + SCENES[style.scene](rng, base, bright, dark);
}

/** A wall that is brighter on the side of the light. */
function wall(style: PhotoStyle, base: string, bright: string, dark: string): string {
  const side = style.light > 0 ? 1 : 0;
  return svg`<linearGradient id="wall" x1="${side}" y1="0" x2="${1 - side}" y2=".8"><stop offset="0" stop-color="${mix(base, bright, 0.7)}"/><stop offset=".55" stop-color="${base}"/><stop offset="1" stop-color="${mix(base, dark, 0.8)}"/></linearGradient><rect width="100" height="100" fill="url(#wall)"/>`;
}

function rect(x: number, y: number, width: number, height: number, fill: string, opacity = 1): string {
  return svg`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}" fill-opacity="${opacity}"/>`;
}

function dots(
  rng: Rng,
  count: number,
  area: readonly [number, number, number, number],
  radius: readonly [number, number],
  colours: readonly string[],
  opacity: readonly [number, number],
): string {
  let out = '';
  for (let i = 0; i < count; i++)
    out += svg`<circle cx="${rng.uniform(area[0], area[2])}" cy="${rng.uniform(area[1], area[3])}" r="${rng.uniform(...radius)}" fill="${rng.pick(colours)}" fill-opacity="${rng.uniform(...opacity)}"/>`;
  return out;
}

/** A drawing of a scene by its three colours. */
type Scene = (rng: Rng, base: string, bright: string, dark: string) => string;

const SCENES: Record<PhotoStyle['scene'], Scene> = {
  wall: (rng, _base, bright, dark) => {
    if (rng.uniform() < 0.5) return '';
    // The edge of a wall, or a shadow on it.
    const x = rng.uniform(5, 95);
    return svg`<path d="M${x} 0L${x + rng.uniform(-6, 6)} 100L100 100L100 0Z" fill="${rng.uniform() < 0.5 ? dark : bright}" fill-opacity="${rng.uniform(0.15, 0.5)}"/>`;
  },
  bokeh: (rng, _base, bright, dark) => {
    return dots(
      rng,
      26,
      [-5, -5, 105, 85],
      [2.5, 8],
      [bright, dark, mix(bright, '#ffffff', 0.4)],
      [0.25, 0.85],
    );
  },
  sky: (rng, base, bright, dark) => {
    const horizon = rng.uniform(48, 80);
    const clouds = dots(
      rng,
      7,
      [-5, 0, 105, horizon - 10],
      [5, 14],
      [bright, mix(bright, '#ffffff', 0.5)],
      [0.25, 0.6],
    );
    const hills = svg`<path d="M0 ${horizon}Q25 ${horizon - rng.uniform(2, 14)} 50 ${horizon}T100 ${horizon - rng.uniform(-4, 6)}L100 100L0 100Z" fill="${dark}"/>`;
    return (
      rect(0, 0, 100, 100, base) +
      rect(0, horizon - 30, 100, 40, bright, 0.5) +
      clouds +
      hills +
      rect(0, horizon + 8, 100, 60, mix(dark, bright, 0.15), 0.6)
    );
  },
  foliage: (rng, base, bright, dark) => {
    return (
      rect(0, 0, 100, 100, mix(base, dark, 0.4)) +
      dots(rng, 70, [-5, -5, 105, 105], [2, 8], [base, bright, dark, mix(base, '#fffbe0', 0.45)], [0.3, 0.8])
    );
  },
  window: (rng, base, bright, dark) => {
    const x = rng.pick([rng.uniform(-8, 12), rng.uniform(58, 78)]);
    const frame = mix(dark, '#ffffff', 0.25);
    const panes =
      rect(x, 4, 34, 62, mix(bright, '#ffffff', 0.45)) +
      rect(x + 16, 4, 1.8, 62, frame) +
      rect(x, 34, 34, 1.8, frame);
    return panes + rect(x - 2, 66, 38, 3, frame) + rect(x - 10, 0, 8, 80, mix(base, bright, 0.4), 0.8);
  },
  shelves: (rng, base, bright, dark) => {
    let out = rect(0, 0, 100, 100, mix(base, dark, 0.3));
    for (let y = 18; y < 100; y += 24) {
      let x = rng.uniform(-4, 2);
      while (x < 100) {
        const width = rng.uniform(2, 6);
        const height = rng.uniform(11, 19);
        const colour = mix(
          rng.pick([base, bright, dark, '#7a2f33', '#2f4a6b', '#d9cdb4', '#3f5c48', '#c08a3e']),
          base,
          0.25,
        );
        if (rng.uniform() < 0.85) out += rect(x, y - height, width, height, colour);
        x += width + 0.3;
      }
      out += rect(0, y, 100, 2, bright);
    }
    return out;
  },
  door: (rng, base, _bright, dark) => {
    const x = rng.pick([rng.uniform(-10, 8), rng.uniform(62, 80)]);
    return (
      rect(x, 6, 32, 94, mix(dark, base, 0.3)) +
      rect(x + 2.5, 9, 27, 91, dark, 0.85) +
      rect(x + 6, 16, 20, 26, mix(dark, '#000000', 0.15), 0.6) +
      rect(x + 6, 50, 20, 34, mix(dark, '#000000', 0.15), 0.6)
    );
  },
  street: (rng, base, bright, dark) => {
    let out = rect(0, 0, 100, 60, mix(bright, '#ffffff', 0.25)) + rect(0, 66, 100, 40, mix(dark, base, 0.5));
    for (let x = -6; x < 100; ) {
      const width = rng.uniform(12, 26);
      const top = rng.uniform(4, 40);
      const front = mix(rng.pick([base, dark, bright]), dark, rng.uniform(0, 0.4));
      out += rect(x, top, width, 68 - top, front);
      for (let y = top + 4; y < 60; y += 8)
        for (let u = x + 2; u < x + width - 4; u += 6)
          out += rect(u, y, 3, 4.5, mix(front, rng.uniform() < 0.3 ? '#f0d9a0' : '#20252c', 0.45));
      x += width;
    }
    return out;
  },
};
