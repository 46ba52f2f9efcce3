// Lights the layers of a photographic portrait and lays them over each other.
import { Rng } from '../base/rng.js';
import type { Content } from './factors.js';
import { headOf } from './photo-head.js';
import { lightOf } from './photo-light.js';
import { blur, moved } from './photo-planes.js';
import { type Direction, faceNormals } from './photo-relief.js';
import type { PhotoStyle } from './photo-style.js';
import { CANVAS } from './pose.js';

/** Layers of a portrait from the back to the front, as they lie below each other in `photoLayersSvg`. */
export const LAYERS = ['background', 'body', 'face', 'front'] as const;

const LINEAR = Float32Array.from({ length: 256 }, (_, level) => {
  const value = level / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});

/**
 * Lights and joins drawn layers.
 * @param layers rows of RGBA of `LAYERS.length * size` rows of `size` px.
 * @returns linear light, `size * size * 3` numbers.
 */
export function compose(content: Content, style: PhotoStyle, layers: Uint8Array, size: number): Float32Array {
  const light = lightOf(style);
  const unit = (size / CANVAS) * content.scale;
  const image = backgroundOf(style, layers, size, light.background);
  const [bodyAlpha, faceAlpha, frontAlpha] = [1, 2, 3].map((layer) => alphaOf(layers, size, layer)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [lx, ly] = light.direction;
  const cast = (alpha: Float32Array, distance: number, softness: number): Float32Array => {
    const shadow = moved(alpha, size, -lx * distance * unit, -ly * distance * unit);
    blur(shadow, size, 1, softness * unit);
    return shadow;
  };
  const onBody = cast(faceAlpha, 8, 3.2);
  const onFace = cast(frontAlpha, 1.7, 1);
  const albedo: Direction = [0, 0, 0];
  const normal: Direction = [0, 0, 1];
  const lit: Direction = [0, 0, 0];
  const put = (layer: number, i: number, shadow: number, isSkin: boolean, tone: number): void => {
    const at = 4 * (layer * size * size + i);
    const alpha = layers[at + 3]! / 255;
    for (let c = 0; c < 3; c++) albedo[c] = LINEAR[layers[at + c]!]! * tone;
    light.shade(albedo, normal, shadow, isSkin, lit);
    for (let c = 0; c < 3; c++) image[3 * i + c]! += alpha * (lit[c]! - image[3 * i + c]!);
  };

  const bodyShape = inflated(bodyAlpha, size, 4.5 * unit);
  for (let i = 0; i < size * size; i++) {
    if (bodyAlpha[i] === 0) continue;
    bodyShape(i, normal);
    put(1, i, 1 - 0.72 * onBody[i]!, false, 1);
  }
  const head = headOf(content, style);
  const normals = faceNormals(content, style, head);
  const grain = skinGrain(style);
  const tilt = (content.tilt * Math.PI) / 180;
  const [sin, cos] = [Math.sin(tilt), Math.cos(tilt)];
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const i = row * size + column;
      if (faceAlpha[i] === 0) continue;
      const dx = (((column + 0.5) / size - 0.5 - content.x) * CANVAS) / content.scale;
      const dy = (((row + 0.5) / size - 0.5 - content.y) * CANVAS) / content.scale;
      const [x, y] = [dx * cos + dy * sin, dy * cos - dx * sin];
      normals(x, y, normal);
      const [nx, ny] = normal;
      normal[0] = nx * cos - ny * sin;
      normal[1] = nx * sin + ny * cos;
      put(2, i, 1 - 0.62 * onFace[i]!, true, grain(x, y));
    }
  const frontShape = inflated(frontAlpha, size, 3.4 * unit);
  for (let i = 0; i < size * size; i++) {
    if (frontAlpha[i] === 0) continue;
    frontShape(i, normal);
    put(3, i, 1, false, 1);
  }
  return image;
}

/** The background, out of focus, in linear light. */
function backgroundOf(style: PhotoStyle, layers: Uint8Array, size: number, factors: Direction): Float32Array {
  const image = new Float32Array(size * size * 3);
  for (let i = 0; i < size * size; i++)
    for (let c = 0; c < 3; c++) image[3 * i + c] = LINEAR[layers[4 * i + c]!]! * factors[c]!;
  blur(image, size, 3, (style.defocus * size) / CANVAS);
  return image;
}

function alphaOf(layers: Uint8Array, size: number, layer: number): Float32Array {
  const start = 4 * layer * size * size + 3;
  const alpha = new Float32Array(size * size);
  for (let i = 0; i < alpha.length; i++) alpha[i] = layers[start + 4 * i]! / 255;
  return alpha;
}

/** Directions of a surface that rises like a cushion from the edge of a layer. */
function inflated(alpha: Float32Array, size: number, deviation: number): (i: number, out: Direction) => void {
  const soft = alpha.slice();
  blur(soft, size, 1, deviation);
  const steep = 1.25 * deviation;
  return (i, out) => {
    const x = i % size;
    const nx = -steep * (soft[x < size - 1 ? i + 1 : i]! - soft[x > 0 ? i - 1 : i]!);
    const ny = -steep * (soft[i + size < soft.length ? i + size : i]! - soft[i >= size ? i - size : i]!);
    const length = 1 / Math.sqrt(nx * nx + ny * ny + 0.5625);
    out[0] = nx * length;
    out[1] = ny * length;
    out[2] = 0.75 * length;
  };
}

/** Blotches of skin: a factor by the place in head coordinates. */
function skinGrain(style: PhotoStyle): (x: number, y: number) => number {
  const side = 32;
  const lattice = new Rng(style.detail, 'skin').normals(side * side);
  const strength = 0.02 + 0.03 * style.age;
  return (x, y) => {
    const [u, v] = [0.3 * x + 16, 0.3 * y + 16];
    const [left, top] = [Math.floor(u), Math.floor(v)];
    const [fx, fy] = [u - left, v - top];
    const at = (dx: number, dy: number): number => lattice[((top + dy) & 31) * side + ((left + dx) & 31)]!;
    const upper = at(0, 0) + fx * (at(1, 0) - at(0, 0));
    const lower = at(0, 1) + fx * (at(1, 1) - at(0, 1));
    return Math.max(0.8, 1 + strength * (upper + fy * (lower - upper)));
  };
}
