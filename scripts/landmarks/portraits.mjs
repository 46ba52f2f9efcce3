// The portraits that the landmark network is trained and measured on, with their landmarks.
import sharp from 'sharp';
import { Rng } from '../../dist/base/rng.js';
import { FEATURES } from '../../dist/landmarks/landmark-network.js';
import { sampleFactors } from '../../dist/sample/draw.js';
import { FAMILIES } from '../../dist/sample/factors.js';
import { HEAD_WIDTH, landmarksOf } from '../../dist/sample/pose.js';
import { rasterise } from '../../dist/sample/raster.js';
import { faulted } from './training-example.mjs';

/** Side of the training portraits, px: above the network's 64, so that turned and scaled ones stay sharp. */
const TRAIN_PX = 96;
const AT_ONCE = 8;
const DOMAINS = [...FAMILIES, 'photo'];

async function portrait(split, domain, index, seed, size) {
  const folder = `${split}${domain === 'photo' ? 'A' : 'B'}`;
  const { content, style } = sampleFactors(
    seed,
    folder,
    `landmarks/${folder}/${domain}/${index}`,
    domain === 'photo' ? 'vivid' : domain,
  );
  const png = await rasterise({ content, style }, size);
  const data = await sharp(png).removeAlpha().raw().toBuffer();
  const landmarks = landmarksOf(content);
  return {
    data,
    size,
    points: FEATURES.map((feature) => landmarks[feature]),
    scale: content.scale,
    tilt: content.tilt,
  };
}

/** `count` portraits of each family and twice as many photographs. */
export async function portraits(split, count, seed, log) {
  const all = [];
  const start = performance.now();
  for (const domain of DOMAINS) {
    const images = domain === 'photo' ? 2 * count : count;
    for (let from = 0; from < images; from += AT_ONCE) {
      const indices = Array.from({ length: Math.min(AT_ONCE, images - from) }, (_, i) => from + i);
      all.push(...(await Promise.all(indices.map((i) => portrait(split, domain, i, seed, TRAIN_PX)))));
      if (from % 400 === 0) log(`drawing ${domain}: ${from} of ${images}`);
    }
  }
  log(`${all.length} portraits drawn in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  return all;
}

const toImage = ({ data, size }) => ({
  data: Float32Array.from(data, (v) => v / 127.5 - 1),
  width: size,
  height: size,
});

/** Sets of `count` portraits that the training has not seen: sharp, at twice the size, blurred, and with faults. */
export async function heldOut(count, seed) {
  const sets = [];
  for (const domain of DOMAINS) {
    const drawn = async (size) =>
      Promise.all(Array.from({ length: count }, (_, i) => portrait('test', domain, i, seed, size)));
    const plain = await drawn(64);
    const clean = (all) => all.map((each) => ({ ...each, image: toImage(each), there: [true, true, true] }));
    sets.push([`${domain}, 64 px`, clean(plain)]);
    sets.push([`${domain}, 128 px`, clean(await drawn(128))]);
    const rng = new Rng(seed, `held out ${domain}`);
    for (const kind of ['painted', 'smeared'])
      sets.push([
        `${domain}, ${kind} features`,
        plain.map((each) => {
          const image = toImage(each);
          const missing = FEATURES.map(() => rng.uniform() < 0.5);
          faulted(image, each, missing, () => kind, rng);
          return { ...each, image, there: missing.map((is) => !is) };
        }),
      ]);
  }
  return sets;
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** One line: errors in per cent of the face's width, and shares of features found. */
export function errorFigures(finder, set) {
  const found = finder.find(set.map(({ image }) => image));
  const all = set.flatMap(({ points, scale, there }, i) =>
    FEATURES.map((feature, k) => {
      const { point, score } = found[i][feature];
      const error = Math.hypot(point[0] - points[k][0], point[1] - points[k][1]) / (HEAD_WIDTH * scale);
      return { there: there[k], error, isFound: score >= 0.5, feature };
    }),
  );
  const present = all.filter((each) => each.there);
  const absent = all.filter((each) => !each.there);
  const errors = present.map(({ error }) => error).sort((a, b) => a - b);
  const foundOf = (list) =>
    list.length === 0 ? '-' : percent(meanOf(list.map(({ isFound }) => Number(isFound))));
  const medians = FEATURES.map((feature) => {
    const own = present
      .filter((each) => each.feature === feature)
      .map(({ error }) => error)
      .sort((a, b) => a - b);
    return percent(own[own.length >> 1] ?? Number.NaN);
  });
  return (
    `median ${percent(errors[errors.length >> 1])} (${medians.join(', ')}), mean ${percent(meanOf(errors))}, ` +
    `99 % below ${percent(errors[Math.floor(0.99 * errors.length)])}, within 5 %: ${percent(meanOf(errors.map((error) => Number(error < 0.05))))}; ` +
    `found: ${foundOf(present)} of those there, ${foundOf(absent)} of those not`
  );
}
