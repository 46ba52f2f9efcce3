// Training examples of the landmark network: portraits moved, recoloured, blurred, noisy, partly hidden, with features painted
// over or smeared, which then are not there.
import { Rng } from '../../dist/base/rng.js';
import { INPUT_PX } from '../../dist/landmarks/landmark-network.js';

const LENGTH = INPUT_PX ** 2 * 3;
/** Half-width and half-height of what hides an eye or a mouth, and how far it lies below the middle, head units. */
const HIDDEN = [
  { half: [8, 8.5], below: 0 },
  { half: [8, 8.5], below: 0 },
  { half: [8, 7], below: 1.5 },
];
const FAULT_SHARE = 0.3;
const NO_FACE_SHARE = 0.06;
const COVER_SHARE = 0.25;

const noiseTable = new Rng(7, 'noise table').normals(1 << 16);

/** Gaussian blur of `[INPUT_PX, INPUT_PX, 3]`; the border extends outwards. */
function blurred(image, sigma) {
  const radius = Math.ceil(2.5 * sigma);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-(((i - radius) / sigma) ** 2) / 2),
  );
  const total = kernel.reduce((a, b) => a + b);
  let from = image;
  for (const [step, line] of [
    [3, 3 * INPUT_PX],
    [3 * INPUT_PX, 3],
  ]) {
    const to = new Float32Array(LENGTH);
    for (let l = 0; l < INPUT_PX; l++)
      for (let i = 0; i < INPUT_PX; i++) {
        let [r, g, b] = [0, 0, 0];
        for (let k = -radius; k <= radius; k++) {
          const at = l * line + Math.min(INPUT_PX - 1, Math.max(0, i + k)) * step;
          const weight = kernel[k + radius];
          r += weight * from[at];
          g += weight * from[at + 1];
          b += weight * from[at + 2];
        }
        const at = l * line + i * step;
        to[at] = r / total;
        to[at + 1] = g / total;
        to[at + 2] = b / total;
      }
    from = to;
  }
  return from;
}

/** Blends `[r, g, b] = colourAt(offset)` into an ellipse with a soft edge. @param centre px. @param half px. */
function blend(image, [x, y], [a, b], turn, colourAt) {
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const reach = Math.max(a, b) * 1.25;
  for (
    let row = Math.max(0, Math.floor(y - reach));
    row <= Math.min(INPUT_PX - 1, Math.ceil(y + reach));
    row++
  )
    for (
      let column = Math.max(0, Math.floor(x - reach));
      column <= Math.min(INPUT_PX - 1, Math.ceil(x + reach));
      column++
    ) {
      const [dx, dy] = [column + 0.5 - x, row + 0.5 - y];
      const distance = Math.hypot((dx * cosine + dy * sine) / a, (dy * cosine - dx * sine) / b);
      const alpha = Math.min(1, Math.max(0, (1.25 - distance) / 0.25));
      if (alpha === 0) continue;
      const at = 3 * (row * INPUT_PX + column);
      const colour = colourAt(at);
      for (let c = 0; c < 3; c++) image[at + c] += alpha * (colour[c] - image[at + c]);
    }
}

function colourNear(image, [x, y], reach = 1) {
  const sum = [0, 0, 0];
  let count = 0;
  for (let row = Math.round(y) - reach; row <= Math.round(y) + reach; row++)
    for (let column = Math.round(x) - reach; column <= Math.round(x) + reach; column++) {
      if (row < 0 || column < 0 || row >= INPUT_PX || column >= INPUT_PX) continue;
      for (let c = 0; c < 3; c++) sum[c] += image[3 * (row * INPUT_PX + column) + c];
      count++;
    }
  return count === 0 ? [0.5, 0.4, 0.3] : sum.map((value) => value / count);
}

/**
 * Hides features of a face in place.
 *
 * @param missing whether each feature is hidden. @param kindOf the kind of each: painted, smeared or blotched (eyes only).
 */
export function faulted({ data: image }, { points, scale, tilt }, missing, kindOf, rng) {
  const unit = (scale * INPUT_PX) / 100;
  const turn = (tilt * Math.PI) / 180;
  const px = points.map(([x, y]) => [x * INPUT_PX, y * INPUT_PX]);
  const eyes = [(px[0][0] + px[1][0]) / 2, (px[0][1] + px[1][1]) / 2];
  // The cheeks: below the eyes, beside the mouth.
  const cheek = (side) => [
    0.45 * px[side][0] + 0.5 * px[2][0] + 0.05 * eyes[0],
    0.45 * px[side][1] + 0.55 * px[2][1],
  ];
  const skin = [colourNear(image, cheek(0)), colourNear(image, cheek(1))];
  const sigma = unit * rng.uniform(4.5, 9);
  let smear;
  for (const [k, { half, below }] of HIDDEN.entries()) {
    if (!missing[k]) continue;
    const kind = kindOf(k);
    const centre = [px[k][0] - Math.sin(turn) * below * unit, px[k][1] + Math.cos(turn) * below * unit];
    const size = half.map((value) => value * unit);
    const side = k === 2 ? rng.integer(2) : k;
    if (kind === 'smeared') {
      smear ??= blurred(image, sigma);
      const from = smear;
      blend(image, centre, size, turn, (at) => [from[at], from[at + 1], from[at + 2]]);
      continue;
    }
    const dark = colourNear(image, centre);
    blend(image, centre, size, turn, () => skin[side]);
    if (kind !== 'blotched') continue;
    for (let i = 0; i < 3; i++) {
      const at = centre.map((value) => value + rng.uniform(-4, 4) * unit);
      const blot = [rng.uniform(1, 4) * unit, rng.uniform(1, 4) * unit];
      const share = rng.uniform(0.4, 1);
      const colour = dark.map((value, c) => value * share + skin[side][c] * (1 - share));
      blend(image, at, blot, rng.uniform(0, 3), () => colour);
    }
  }
}

/** Moves, turns, scales and mirrors a portrait. @returns floats of INPUT_PX, and where its features are then. */
function moved({ data, size, points, scale, tilt }, rng) {
  const mirror = rng.uniform() < 0.5 ? -1 : 1;
  const degrees = rng.uniform(-12, 12);
  const turn = (degrees * Math.PI) / 180;
  const zoom = Math.exp(rng.uniform(-0.13, 0.13));
  const shift = [rng.uniform(-0.06, 0.06), rng.uniform(-0.06, 0.06)];
  const [cosine, sine] = [Math.cos(turn), Math.sin(turn)];
  const image = new Float32Array(LENGTH);
  for (let row = 0; row < INPUT_PX; row++)
    for (let column = 0; column < INPUT_PX; column++) {
      const [u, v] = [(column + 0.5) / INPUT_PX - 0.5 - shift[0], (row + 0.5) / INPUT_PX - 0.5 - shift[1]];
      const x = (((cosine * u + sine * v) / zoom) * mirror + 0.5) * size - 0.5;
      const y = ((cosine * v - sine * u) / zoom + 0.5) * size - 0.5;
      const left = Math.min(size - 2, Math.max(0, Math.floor(x)));
      const top = Math.min(size - 2, Math.max(0, Math.floor(y)));
      const right = Math.min(1, Math.max(0, x - left));
      const below = Math.min(1, Math.max(0, y - top));
      const at = 3 * (top * size + left);
      for (let c = 0; c < 3; c++) {
        const upper = data[at + c] + right * (data[at + c + 3] - data[at + c]);
        const lowerAt = at + 3 * size + c;
        const lower = data[lowerAt] + right * (data[lowerAt + 3] - data[lowerAt]);
        image[3 * (row * INPUT_PX + column) + c] = (upper + below * (lower - upper)) / 127.5 - 1;
      }
    }
  const placed = points.map(([x, y]) => {
    const [u, v] = [(x - 0.5) * mirror * zoom, (y - 0.5) * zoom];
    return [0.5 + cosine * u - sine * v + shift[0], 0.5 + sine * u + cosine * v + shift[1]];
  });
  if (mirror < 0) [placed[0], placed[1]] = [placed[1], placed[0]];
  return { image, face: { points: placed, scale: scale * zoom, tilt: mirror * tilt + degrees } };
}

/** Recolours in place: channels exchanged, gains, offsets. */
function recoloured(image, rng) {
  const order =
    rng.uniform() < 0.15
      ? rng.pick([
          [1, 2, 0],
          [2, 0, 1],
          [2, 1, 0],
          [0, 2, 1],
          [1, 0, 2],
        ])
      : [0, 1, 2];
  const grey = rng.uniform() < 0.1 ? 1 : rng.uniform(0, 0.3);
  const gain = rng.uniform(0.65, 1.15);
  const gains = order.map(() => gain * rng.uniform(0.85, 1.15));
  const offset = rng.uniform(-0.2, 0.2);
  const offsets = order.map(() => offset + rng.uniform(-0.08, 0.08));
  for (let at = 0; at < LENGTH; at += 3) {
    const pixel = [image[at], image[at + 1], image[at + 2]];
    const mean = (pixel[0] + pixel[1] + pixel[2]) / 3;
    for (let c = 0; c < 3; c++) {
      const value = pixel[order[c]];
      image[at + c] = Math.min(1, Math.max(-1, (value + grey * (mean - value)) * gains[c] + offsets[c]));
    }
  }
}

/** Hides a rectangle in place, unless it would hide part of a feature. A feature inside is no longer there. */
function covered(image, points, there, rng) {
  const [width, height] = [rng.uniform(4, 26), rng.uniform(4, 26)];
  const [left, top] = [rng.uniform(-6, INPUT_PX - 4), rng.uniform(-6, INPUT_PX - 4)];
  const depths = points.map(([x, y]) => {
    const across = Math.min(x * INPUT_PX - left, left + width - x * INPUT_PX);
    const down = Math.min(y * INPUT_PX - top, top + height - y * INPUT_PX);
    return Math.min(across, down);
  });
  if (depths.some((depth, k) => there[k] && depth > -4 && depth < 4)) return;
  const colour = [rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(-1, 1)];
  for (let row = Math.max(0, Math.round(top)); row < Math.min(INPUT_PX, top + height); row++)
    for (let column = Math.max(0, Math.round(left)); column < Math.min(INPUT_PX, left + width); column++)
      for (let c = 0; c < 3; c++) image[3 * (row * INPUT_PX + column) + c] = colour[c];
  for (const [k, depth] of depths.entries()) if (depth >= 4) there[k] = false;
}

/** A training example. @returns floats `[INPUT_PX, INPUT_PX, 3]`, and the places of the features, undefined for what is not there. */
export function trainingExample(portrait, rng) {
  const { image: plain, face } = moved(portrait, rng);
  let image = plain;
  const there = [true, true, true];
  if (rng.uniform() < FAULT_SHARE) {
    const first = rng.integer(3);
    const missing = there.map((_, k) => k === first || rng.uniform() < 0.3);
    faulted(
      { data: image },
      face,
      missing,
      (k) => rng.pick(k === 2 ? ['painted', 'smeared'] : ['painted', 'smeared', 'blotched']),
      rng,
    );
    for (const [k, is] of missing.entries()) if (is) there[k] = false;
  }
  if (rng.uniform() < COVER_SHARE) covered(image, face.points, there, rng);
  recoloured(image, rng);
  if (rng.uniform() < NO_FACE_SHARE) {
    image = blurred(image, rng.uniform(4, 7) * face.scale);
    there.fill(false);
  } else if (rng.uniform() < 0.4) image = blurred(image, rng.uniform(0.3, 1.1));
  if (rng.uniform() < 0.5) {
    const deviation = rng.uniform(0, 0.1);
    const from = rng.integer(noiseTable.length);
    for (let i = 0; i < LENGTH; i++) image[i] += deviation * noiseTable[(from + i) & 0xffff];
  }
  return { image, points: face.points.map((point, k) => (there[k] ? point : undefined)) };
}
