/** The tempo that is likeliest before anything is heard, beats a minute, and how far others are from it, octaves. */
const LIKELY_TEMPO = 120;
const TEMPO_OCTAVES = 0.9;
const SLOWEST_TEMPO = 50;
const FASTEST_TEMPO = 210;
/** Weight of even spacing against strong onsets. */
const TIGHTNESS = 100;
/** The mean that strengths are held against reaches so far to both sides. */
const MEAN_SECONDS = 0.5;
/** Beats weaker than this share of a usual one at either end are no beats: music begins and ends. */
const WEAK_SHARE = 0.1;
/** Rises that deviate less from their mean are those of a lossy codec in a steady tone. */
const MIN_DEVIATION = 2e-4;
/** And those that deviate by less than this share of their mean are noise: white has 0.05, pink 0.07, clicks 4. */
const MIN_CONTRAST = 0.15;

/** Strengths above their local mean, in units of their deviation; zeros where nothing is heard. */
function normalized(strengths: Float32Array, perSecond: number): Float64Array {
  const reach = Math.max(1, Math.round(MEAN_SECONDS * perSecond));
  const sums = new Float64Array(strengths.length + 1);
  for (let i = 0; i < strengths.length; i++) sums[i + 1] = sums[i]! + strengths[i]!;
  const above = Float64Array.from(strengths, (value, i) => {
    const [from, to] = [Math.max(0, i - reach), Math.min(strengths.length, i + reach + 1)];
    return Math.max(0, value - (sums[to]! - sums[from]!) / (to - from));
  });
  const deviation = Math.sqrt(above.reduce((sum, value) => sum + value * value, 0) / above.length);
  const least = Math.max(MIN_DEVIATION, (MIN_CONTRAST * (sums.at(-1) ?? 0)) / above.length);
  return deviation < least ? above.fill(0) : above.map((value) => value / deviation);
}

/**
 * Steps between beats: where the strengths resemble themselves most, with a preference for usual tempi (Ellis, "Beat
 * tracking by dynamic programming", 2007, section 3.2).
 */
function beatPeriod(onsets: Float64Array, perSecond: number): number | undefined {
  const shortest = Math.max(1, Math.floor((60 / FASTEST_TEMPO) * perSecond));
  const longest = Math.min(onsets.length - 1, Math.ceil((60 / SLOWEST_TEMPO) * perSecond));
  let best: number | undefined;
  let highest = 0;
  for (let lag = shortest; lag <= longest; lag++) {
    let sum = 0;
    // An onset falls between two steps: neighbours count by half.
    for (let i = lag; i + 1 < onsets.length; i++)
      sum += onsets[i]! * (onsets[i - lag]! + 0.5 * (onsets[i - lag + 1]! + (onsets[i - lag - 1] ?? 0)));
    const octaves = Math.log2((60 * perSecond) / lag / LIKELY_TEMPO);
    const score = sum * Math.exp(-0.5 * (octaves / TEMPO_OCTAVES) ** 2);
    if (score > highest) {
      highest = score;
      best = lag;
    }
  }
  return best;
}

/** The chain of strong onsets at about even spacing with the highest score that ends in the last period. */
function bestChain(onsets: Float64Array, period: number): number[] {
  const score = Float64Array.from(onsets);
  const before = new Int32Array(onsets.length).fill(-1);
  const [nearest, farthest] = [Math.max(1, Math.round(period / 2)), Math.round(period * 2)];
  for (let i = 0; i < onsets.length; i++) {
    let best = 0;
    for (let lag = nearest; lag <= farthest && lag <= i; lag++) {
      const value = score[i - lag]! - TIGHTNESS * Math.log(lag / period) ** 2;
      if (value <= best) continue;
      best = value;
      before[i] = i - lag;
    }
    score[i]! += best;
  }
  let last = onsets.length - 1;
  for (let i = last; i >= Math.max(0, onsets.length - period); i--) if (score[i]! > score[last]!) last = i;
  const chain: number[] = [];
  for (let i = last; i >= 0; i = before[i]!) chain.push(i);
  return chain.reverse();
}

/** A peak's place between the steps, by the parabola through it and its neighbours. */
function refined(onsets: Float64Array, i: number): number {
  const [left, middle, right] = [onsets[i - 1] ?? 0, onsets[i]!, onsets[i + 1] ?? 0];
  const curve = left - 2 * middle + right;
  return curve < 0 && middle >= left && middle >= right ? i + (0.5 * (left - right)) / curve : i;
}

/**
 * Beats of music by dynamic programming (Ellis 2007): the chain of onsets that are strong and about evenly spaced at the
 * tempo of the whole.
 * @param strengths onset strengths, `perSecond` of them a second.
 * @returns places of the beats in steps of the strengths, ascending; none in silence.
 */
export function findBeats(strengths: Float32Array, perSecond: number): number[] {
  const onsets = normalized(strengths, perSecond);
  const period = beatPeriod(onsets, perSecond);
  if (period === undefined) return [];
  const chain = bestChain(onsets, period);
  // A beat may lie a step beside its onset.
  const strength = (i: number): number => Math.max(onsets[i - 1] ?? 0, onsets[i]!, onsets[i + 1] ?? 0);
  const usual = Math.sqrt(chain.reduce((sum, i) => sum + strength(i) ** 2, 0) / chain.length);
  const isStrong = (i: number): boolean => strength(i) > WEAK_SHARE * usual;
  const [first, last] = [chain.findIndex(isStrong), chain.findLastIndex(isStrong)];
  return first < 0 ? [] : chain.slice(first, last + 1).map((i) => refined(onsets, i));
}
