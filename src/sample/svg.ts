// SVG paths, numbers and colours.
/** A point in drawing units. */
export type Point = readonly [x: number, y: number];

/** A cubic segment: two control points and the end point. */
export type Cubic = readonly [x1: number, y1: number, x2: number, y2: number, x: number, y: number];

type Part = string | number | readonly (string | number)[];

/** Writes a number with at most two decimals, so that a drawing's text is short and the same on every machine. */
export function decimal(value: number): string {
  const rounded = Math.round(value * 100) / 100;
  return Object.is(rounded, -0) ? '0' : String(rounded);
}

/** Template tag for SVG text: numbers are rounded, lists are joined by spaces. */
export function svg(strings: TemplateStringsArray, ...parts: Part[]): string {
  let out = strings[0]!;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (typeof part === 'number') out += decimal(part);
    else if (typeof part === 'string') out += part;
    else out += part.map((item) => (typeof item === 'number' ? decimal(item) : item)).join(' ');
    out += strings[i + 1]!;
  }
  return out;
}

/** The closed path that starts on the axis x = 0, follows `right` to the axis again, and returns mirrored. */
export function symmetricPath(startY: number, right: readonly Cubic[]): string {
  let path = svg`M0 ${startY}`;
  for (const segment of right) path += svg`C${segment}`;
  for (let i = right.length - 1; i >= 0; i--) {
    const [x1, y1, x2, y2] = right[i]!;
    const [x, y] = i > 0 ? right[i - 1]!.slice(4) : [0, startY];
    path += svg`C${[-x2, y2, -x1, y1, -x!, y!]}`;
  }
  return `${path}Z`;
}

/** A smooth closed path through the points (Catmull and Rom, as cubics). */
export function smoothClosedPath(points: readonly Point[]): string {
  const at = (i: number): Point => points[(i + points.length) % points.length]!;
  let path = svg`M${at(0)}`;
  for (let i = 0; i < points.length; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    path += svg`C${[b[0] + (c[0] - a[0]) / 6, b[1] + (c[1] - a[1]) / 6]} ${[c[0] - (d[0] - b[0]) / 6, c[1] - (d[1] - b[1]) / 6]} ${c}`;
  }
  return `${path}Z`;
}

export function lerp(from: number, to: number, t: number): number {
  return from + (to - from) * t;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

function channels(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function toHex(rgb: readonly number[]): string {
  return `#${rgb
    .map((c) =>
      Math.round(clamp(c, 0, 255))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** The colour at `t` in [0, 1] on the way from `a` to `b` ("#rrggbb"). */
export function mix(a: string, b: string, t: number): string {
  const from = channels(a);
  const to = channels(b);
  return toHex(from.map((c, i) => lerp(c, to[i]!, t)));
}

/** The colour at `t` in [0, 1] along a ramp of colours. */
export function ramp(colours: readonly string[], t: number): string {
  const position = clamp(t, 0, 1) * (colours.length - 1);
  const index = Math.min(Math.floor(position), colours.length - 2);
  return mix(colours[index]!, colours[index + 1]!, position - index);
}

/** The colour "#rrggbb" of a hue in degrees, and of a saturation and a lightness in [0, 1]. */
export function hsl(hue: number, saturation: number, lightness: number): string {
  const a = saturation * Math.min(lightness, 1 - lightness);
  const channel = (shift: number): number => {
    const k = (shift + (((hue % 360) + 360) % 360) / 30) % 12;
    return 255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return toHex([channel(0), channel(8), channel(4)]);
}
