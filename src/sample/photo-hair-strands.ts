// Strands, curls, tails and braids of photographed hair.
import { Rng } from '../base/rng.js';
import type { Head } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { clamp, lerp, mix, svg } from './svg.js';

/** The hair's colour in shadow and in light. */
export function hairColours(style: PhotoStyle): { dark: string; lit: string } {
  return { dark: mix(style.hair, '#070404', 0.55), lit: mix(style.hair, '#ffe6c4', 0.4) };
}

function strandColour(style: PhotoStyle, rng: Rng): string {
  const { dark, lit } = hairColours(style);
  return rng.uniform() < 0.45
    ? mix(style.hair, lit, rng.uniform(0.2, 0.9))
    : mix(style.hair, dark, rng.uniform(0.3, 1));
}

/** Joins strands of a few colours and widths, since drawing many single paths takes long. */
class Bundles {
  private readonly paths = new Map<string, string>();

  constructor(private readonly style: PhotoStyle) {}

  add(rng: Rng, path: string): void {
    const key = rng.pick(['lit .8', 'dark .5', 'dark 1.2', 'pale .5']);
    this.paths.set(key, (this.paths.get(key) ?? '') + path);
  }

  toString(): string {
    const { dark, lit } = hairColours(this.style);
    const { hair } = this.style;
    const colours = { lit: mix(hair, lit, 0.4), dark: mix(hair, dark, 0.7), pale: mix(hair, lit, 0.8) };
    return [...this.paths]
      .map(([key, path]) => {
        const [name, width] = key.split(' ') as [keyof typeof colours, string];
        return svg`<path d="${path}" stroke="${colours[name]}" stroke-width="${width}" fill="none" stroke-opacity="${name === 'pale' ? 0.26 : 0.36}"/>`;
      })
      .join('');
  }
}

/** Strands that follow the way hair is combed. @param tip lower end of hanging hair, head units. */
export function straightStrands(
  style: PhotoStyle,
  head: Head,
  count: number,
  way: 'short' | 'long' | 'back' | 'behind',
  tip = 0,
): string {
  const rng = new Rng(style.detail, `strands-${way}`);
  const wave = style.hairWave * 2.2;
  const bundles = new Bundles(style);
  for (let i = 0; i < count; i++) {
    const side = i % 2 === 0 ? 1 : -1;
    let path: string;
    if (way === 'short') {
      const degrees = side * rng.uniform(0, 95);
      const y = lerp(-20, 0, clamp((Math.abs(degrees) - 25) / 60, 0, 1)) - rng.uniform(-1, 13);
      const [x, y0] = head.at(degrees, Math.max(y, head.crown + 1), 1);
      const lean = partLean(style) + x * 0.09 + rng.uniform(-0.8, 0.8);
      path = svg`M${x} ${y0}q${lean * 0.4} ${-2.4} ${lean} ${-rng.uniform(2.5, 6)}`;
    } else if (way === 'back') {
      const degrees = side * rng.uniform(0, 85);
      const y = lerp(-21, 2, clamp((Math.abs(degrees) - 25) / 50, 0, 1) ** 1.3);
      const [x, y0] = head.at(degrees, y, 0.5);
      path = svg`M${x} ${y0}Q${x * 1.02} ${y0 - 8} ${x * rng.uniform(0.35, 0.8)} ${Math.max(y0 - 16, head.crown - 3)}`;
    } else {
      const down = way === 'behind' ? tip - rng.uniform(1, 4) : rng.uniform(0, tip);
      const reach = way === 'behind' ? rng.uniform(0.1, 0.92) : rng.uniform(0.35, 1.12);
      const x0 = rng.uniform(-4, 4) - partLean(style) * 3;
      const [left, right] = head.edges(Math.min(6, down));
      const edge = side < 0 ? left : right;
      const x = edge * reach;
      path = svg`M${x0} ${head.crown + rng.uniform(-2, 6)}C${lerp(x0, x, 0.75)} ${-30} ${x * 1.05} -14 ${x} ${lerp(-12, down, 0.4)}S${x + rng.uniform(-wave, wave)} ${lerp(-5, down, 0.8)} ${x + rng.uniform(-wave, wave)} ${down}`;
    }
    bundles.add(rng, path);
  }
  return bundles.toString();
}

function partLean(style: PhotoStyle): number {
  return style.hairShape === 'side' ? (style.detail % 2 === 0 ? 1 : -1) : 0;
}

/** Curls all over a head. */
export function curls(style: PhotoStyle, rng: Rng, count: number, bottom: number): string {
  const { dark, lit } = hairColours(style);
  const clumps = ['', ''];
  for (let i = 0; i < 44; i++) {
    const [x, y, r] = [rng.uniform(-34, 34), rng.uniform(-46, bottom + 4), rng.uniform(1.4, 3.4)];
    clumps[i % 2] += svg`M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  }
  const bundles = new Bundles(style);
  for (let i = 0; i < count; i++) {
    const [x, y] = [rng.uniform(-36, 36), rng.uniform(-48, bottom + 4)];
    const r = rng.uniform(0.8, 1.7);
    const side = rng.pick([-1, 1]);
    bundles.add(
      rng,
      svg`M${x} ${y}q${side * r} ${-r} ${side * 1.5 * r} ${r * 0.5}t${-side * 0.4 * r} ${r * 1.4}t${side * r} ${r * 1.2}`,
    );
  }
  return svg`<path d="${clumps[0]!}" fill="${dark}" fill-opacity=".2"/><path d="${clumps[1]!}" fill="${mix(style.hair, lit, 0.5)}" fill-opacity=".16"/>${bundles.toString()}`;
}

/** A tail that hangs beside the neck. */
export function ponytail(style: PhotoStyle, head: Head, tip: number): string {
  const rng = new Rng(style.detail, 'tail');
  const side = Math.abs(head.yaw) > 0.1 ? -Math.sign(head.yaw) : style.detail % 2 === 0 ? 1 : -1;
  const end = Math.min(tip, 40);
  const { dark } = hairColours(style);
  const path = svg`M${side * 8} -22C${side * 26} -28 ${side * 33} -6 ${side * 29} 10C${side * 28} ${lerp(10, end, 0.5)} ${side * 31} ${end - 4} ${side * 25} ${end}C${side * 20} ${lerp(10, end, 0.6)} ${side * 20} 8 ${side * 14} -6Z`;
  let strands = '';
  for (let i = 0; i < 14; i++) {
    const x = side * rng.uniform(19, 30);
    strands += svg`<path d="M${side * rng.uniform(14, 20)} -20C${x * 1.05} -20 ${x * 1.1} 0 ${x} ${rng.uniform(8, end)}" stroke="${strandColour(style, rng)}" stroke-width=".7" fill="none" stroke-opacity=".5"/>`;
  }
  return svg`<path d="${path}" fill="${mix(style.hair, dark, 0.25)}"/><clipPath id="tail"><path d="${path}"/></clipPath><g clip-path="url(#tail)">${strands}</g>`;
}

/** A bun on top of the head. */
export function bunOf(style: PhotoStyle, head: Head): string {
  const rng = new Rng(style.detail, 'bun');
  const [x, y] = [-6 * Math.sin(head.yaw), head.crown - 4];
  let strands = '';
  for (let i = 0; i < 16; i++) {
    const turn = rng.uniform(0, 6.3);
    const r = rng.uniform(3, 7.2);
    strands += svg`<path d="M${x + r * Math.cos(turn)} ${y + r * 0.85 * Math.sin(turn)}A${r} ${r * 0.85} 0 0 1 ${x + r * Math.cos(turn + 1.3)} ${y + r * 0.85 * Math.sin(turn + 1.3)}" stroke="${strandColour(style, rng)}" stroke-width=".7" fill="none" stroke-opacity=".55"/>`;
  }
  return svg`<ellipse cx="${x}" cy="${y}" rx="8.2" ry="7" fill="${style.hair}"/>${strands}`;
}

/** Two braids in front of the shoulders. */
export function braids(style: PhotoStyle, head: Head, tip: number): string {
  const { dark, lit } = hairColours(style);
  let out = '';
  for (const side of [-1, 1] as const) {
    const x = head.at(side * 88, 8, 1.5)[0];
    for (let y = 3; y < tip; y += 3.6) {
      const dx = side * (y - 9) * 0.05;
      for (const lean of [-1, 1])
        out += svg`<ellipse cx="${x + dx + lean * 1.2}" cy="${y + (lean > 0 ? 1.7 : 0)}" rx="2.9" ry="2" transform="rotate(${lean * -38} ${x + dx} ${y})" fill="${mix(style.hair, lean > 0 ? lit : dark, 0.22)}" stroke="${dark}" stroke-width=".35" stroke-opacity=".6"/>`;
    }
  }
  return out;
}
