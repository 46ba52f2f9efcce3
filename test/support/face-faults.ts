// Faults that translations have, made on images of faces whose landmarks are known.
import type { FloatImage } from '../../src/data/diversity.js';
import type { Content } from '../../src/sample/factors.js';
import { type Landmarks, landmarksOf } from '../../src/sample/pose.js';

type Feature = keyof Landmarks;

/** Maps each pixel: `at(x, y)` is where in the image its colour comes from, px. */
function mapped(image: FloatImage, at: (x: number, y: number) => readonly [number, number]): FloatImage {
  const { data, width, height } = image;
  const out = new Float32Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = at(x, y);
      const left = Math.min(width - 1, Math.max(0, Math.round(fromX)));
      const top = Math.min(height - 1, Math.max(0, Math.round(fromY)));
      for (let c = 0; c < 3; c++) out[3 * (y * width + x) + c] = data[3 * (top * width + left) + c]!;
    }
  return { data: out, width, height };
}

/** Distance of a pixel from a feature in radii of what the feature takes up: an ellipse of 8 x 8.5 head units. */
function distanceFrom(feature: Feature, content: Content, { width, height }: FloatImage) {
  const [x, y] = landmarksOf(content)[feature];
  const unit = content.scale / 100;
  const below = feature === 'mouth' ? 1.5 : 0;
  const tilt = (content.tilt * Math.PI) / 180;
  return (px: number, py: number): number => {
    const dx = ((px + 0.5) / width - x) / unit + Math.sin(tilt) * below;
    const dy = ((py + 0.5) / height - y) / unit - Math.cos(tilt) * below;
    return Math.hypot(dx / 8, dy / 8.5);
  };
}

/** Moves a feature by (dx, dy) px: what is around it moves with it, less and less. */
export function moveFeature(
  image: FloatImage,
  content: Content,
  feature: Feature,
  [dx, dy]: readonly [number, number],
): FloatImage {
  const moved = { ...content, x: content.x + dx / image.width, y: content.y + dy / image.height };
  const distance = distanceFrom(feature, moved, image);
  const share = (px: number, py: number) => Math.min(1, Math.max(0, 2.1 - distance(px, py)));
  return mapped(image, (px, py) => [px - dx * share(px, py), py - dy * share(px, py)]);
}

/** Smears a feature into one blotch: the mean of a wide window around each of its pixels. */
export function smearFeature(image: FloatImage, content: Content, feature: Feature): FloatImage {
  const { data, width, height } = image;
  const distance = distanceFrom(feature, content, image);
  const reach = Math.round(0.08 * content.scale * width);
  const out = data.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (distance(x, y) > 1.1) continue;
      for (let c = 0; c < 3; c++) {
        let [sum, count] = [0, 0];
        for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++)
          for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
            sum += data[3 * (row * width + column) + c]!;
            count++;
          }
        out[3 * (y * width + x) + c] = sum / count;
      }
    }
  return { data: out, width, height };
}

/** Draws everything twice, `px` apart, each half as strong: doubled outlines. */
export function doubled(image: FloatImage, px: number): FloatImage {
  const other = mapped(image, (x, y) => [x - px, y]);
  return { ...image, data: image.data.map((value, i) => (value + other.data[i]!) / 2) };
}

/** The mean of a square window of `2 reach + 1` px. */
export function boxBlurred(image: FloatImage, reach: number): FloatImage {
  const sum = new Float32Array(image.data.length);
  let count = 0;
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const { data } = mapped(image, (x, y) => [x + dx, y + dy]);
      for (let i = 0; i < sum.length; i++) sum[i]! += data[i]!;
      count++;
    }
  return { ...image, data: sum.map((value) => value / count) };
}

/** Left and right exchanged. */
export function mirrored(image: FloatImage): FloatImage {
  return mapped(image, (x, y) => [image.width - 1 - x, y]);
}

/** Every other column lighter, every other darker, by `amount`: a pattern of bad upsampling. */
export function striped(image: FloatImage, amount: number): FloatImage {
  const data = image.data.map((value, i) => {
    const sign = (Math.floor(i / 3) % image.width) % 2 === 0 ? 1 : -1;
    return Math.min(1, Math.max(-1, value + sign * amount));
  });
  return { ...image, data };
}
