// Charts of series as inline SVG.
import { type Axis, formatTick, linearAxis, positionOn, stepAxis, valueAxis } from './axis.js';
import { escapeHtml } from './html.js';
import { formatNumber } from './numbers.js';
import type { Point, Series } from './series.js';

const WIDTH = 440;
const HEIGHT = 232;
const LEFT = 46;
const RIGHT = 16;
const TOP = 8;
const BOTTOM = 24;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;

/** The most points of a drawn curve; more are gathered into so many spans of steps. */
const MAX_POINTS = 240;
const MIN_TO_SMOOTH = 24;
/** Width of the smoothing window (one deviation to a side) as a part of the curve. */
const SMOOTHING = 1 / 40;
const HOVER_STRIPS = 48;
/** Larger values count as not finite: no axis could hold them. */
const MAX_VALUE = 1e100;
/** Smaller values are drawn as 0. */
const MIN_VALUE = 1e-100;
/** Colours of the page's style sheet; further series repeat them with dashes. */
const COLOURS = 6;

interface Curve {
  name: string;
  /** The position among the chart's series; it determines the colour. */
  index: number;
  points: Point[];
  /** The points of the smoothed line. */
  means: Point[];
  notFinite: number;
}

/**
 * A chart of one group of series: a figure with heading, inline SVG and legend. Thin lines are the values as logged, thick
 * ones the smoothed curve. Values that are not finite are omitted, and the legend counts them.
 */
export function renderChart(title: string, series: readonly Series[]): string {
  const curves = series.map((entry, index) => curveOf(entry, index));
  const drawn = curves.filter(({ points }) => points.length > 0);
  const legend = `<ul class="legend">${curves.map((curve) => legendItem(curve)).join('')}</ul>`;
  const heading = `<figcaption><h3>${escapeHtml(title)}</h3></figcaption>`;
  if (drawn.length === 0) {
    return `<figure class="chart">${heading}<p class="empty">No values.</p>${legend}</figure>`;
  }
  const x = stepAxis(
    Math.min(...drawn.map(({ points }) => points[0]!.step)),
    Math.max(...drawn.map(({ points }) => points.at(-1)!.step)),
  );
  const range = series.find((entry) => entry.range)?.range;
  const y = range
    ? linearAxis(...range)
    : valueAxis(drawn.flatMap(({ points }) => points.map(({ value }) => value)));
  const toX = (step: number) => LEFT + PLOT_WIDTH * positionOn(x, step);
  const toY = (value: number) => TOP + PLOT_HEIGHT * (1 - positionOn(y, value));
  const layers = [
    gridLines(x, y, toX, toY),
    ...drawn.map((curve) => drawCurve(curve, y.isLog, toX, toY)),
    hoverStrips(drawn, x),
  ];
  const label = escapeHtml(`${title}: ${drawn.map(describe).join('; ')}`);
  const scale = y.isLog ? '<span class="scale">logarithmic</span>' : '';
  return `<figure class="chart"><figcaption><h3>${escapeHtml(title)}</h3>${scale}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">${layers.join('')}</svg>${legend}</figure>`;
}

function curveOf({ name, points, means }: Series, index: number): Curve {
  const sorted = drawable(points);
  const notFinite = points.length - sorted.length;
  return { name, index, points: sorted, means: means ? drawable(means) : sorted, notFinite };
}

function drawable(points: readonly Point[]): Point[] {
  return points
    .filter(({ step, value }) => Number.isFinite(step) && Math.abs(value) < MAX_VALUE)
    .map(({ step, value }) => ({ step, value: Math.abs(value) < MIN_VALUE ? 0 : value }))
    .sort((a, b) => a.step - b.step);
}

function describe({ name, points }: Curve): string {
  const first = points[0]!;
  const last = points.at(-1)!;
  return `${name} ${formatNumber(first.value)} at step ${first.step}, ${formatNumber(last.value)} at step ${last.step}`;
}

function legendItem(curve: Curve): string {
  const last = curve.points.at(-1);
  const value = last ? formatNumber(last.value) : 'no values';
  const omitted = curve.notFinite > 0 ? ` <em>(${curve.notFinite} not finite)</em>` : '';
  return `<li><svg class="key" viewBox="0 0 16 4" aria-hidden="true"><path class="${lineClass(curve)}" d="M0 2H16"/></svg><span>${escapeHtml(curve.name)}${omitted}</span> <b>${value}</b></li>`;
}

function lineClass({ index }: Curve): string {
  return `line c${index % COLOURS}${index >= COLOURS ? ' dashed' : ''}`;
}

// Axes

function gridLines(x: Axis, y: Axis, toX: (step: number) => number, toY: (value: number) => number): string {
  const bottom = TOP + PLOT_HEIGHT;
  const rows = y.ticks.map((tick) => {
    const at = round(toY(tick));
    return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text x="${LEFT - 7}" y="${round(at + 4)}" text-anchor="end">${formatTick(tick, y)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = round(toX(tick));
    return `<path class="tick" d="M${at} ${bottom}v4"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${formatTick(tick, x)}</text>`;
  });
  return `${rows.join('')}<path class="axis" d="M${LEFT} ${bottom}H${WIDTH - RIGHT}"/>${columns.join('')}`;
}

// Curves

function drawCurve(
  curve: Curve,
  isLog: boolean,
  toX: (step: number) => number,
  toY: (value: number) => number,
): string {
  const path = (points: Point[]) =>
    `M${points.map(({ step, value }) => `${round(toX(step))} ${round(toY(value))}`).join('L')}`;
  const { points } = curve;
  const style = lineClass(curve);
  if (points.length === 1) {
    const { step, value } = points[0]!;
    return `<circle class="dot c${curve.index % COLOURS}" cx="${round(toX(step))}" cy="${round(toY(value))}" r="3"/>`;
  }
  if (points.length < MIN_TO_SMOOTH || isStepped(points))
    return `<path class="${style}" d="${path(extremes(points))}"/>`;
  const smoothed = smooth(gather(curve.means, mean), isLog);
  return `<path class="${style} raw" d="${path(extremes(points))}"/><path class="${style}" d="${path(smoothed)}"/>`;
}

/** Whether most values repeat the one before, like those of a learning rate: smoothing would bend the steps. */
function isStepped(points: Point[]): boolean {
  const repeats = points.filter(({ value }, i) => value === points[i - 1]?.value);
  return repeats.length > points.length / 2;
}

/** One point for each span of steps, from the points in it. */
function gather(points: Point[], pick: (span: Point[]) => Point): Point[] {
  return spans(points, MAX_POINTS).map(pick);
}

function spans(points: Point[], maxSpans: number): Point[][] {
  const count = Math.min(points.length, maxSpans);
  return Array.from({ length: count }, (_, i) =>
    points.slice(Math.floor((i * points.length) / count), Math.floor(((i + 1) * points.length) / count)),
  );
}

function mean(span: Point[]): Point {
  const total = span.reduce((sum, { value }) => sum + value, 0);
  return { step: span[Math.floor(span.length / 2)]!.step, value: total / span.length };
}

/** The smallest and largest value of each span, in their order, so that thinning loses no spike. */
function extremes(points: Point[]): Point[] {
  if (points.length <= 2 * MAX_POINTS) return points;
  return spans(points, MAX_POINTS).flatMap((span) => {
    const ordered = span.toSorted((a, b) => a.value - b.value);
    return [ordered[0]!, ordered.at(-1)!].sort((a, b) => a.step - b.step);
  });
}

/** The mean under a Gaussian window around each point; on a logarithmic axis, of the logarithms. */
function smooth(points: Point[], isLog: boolean): Point[] {
  const values = points.map(({ value }) => (isLog ? Math.log(value) : value));
  const deviation = Math.max(1, points.length * SMOOTHING);
  const reach = Math.ceil(3 * deviation);
  return points.map(({ step }, i) => {
    let total = 0;
    let weights = 0;
    for (let j = Math.max(0, i - reach); j <= Math.min(values.length - 1, i + reach); j++) {
      const weight = Math.exp(-0.5 * ((j - i) / deviation) ** 2);
      total += weight * values[j]!;
      weights += weight;
    }
    return { step, value: isLog ? Math.exp(total / weights) : total / weights };
  });
}

/** Invisible columns over the plot that name the values under the pointer. */
function hoverStrips(curves: Curve[], x: Axis): string {
  const width = PLOT_WIDTH / HOVER_STRIPS;
  const strips: string[] = [];
  for (let i = 0; i < HOVER_STRIPS; i++) {
    const from = x.low + ((x.high - x.low) * i) / HOVER_STRIPS;
    const to = x.low + ((x.high - x.low) * (i + 1)) / HOVER_STRIPS;
    const isLast = i === HOVER_STRIPS - 1;
    const lines = curves.flatMap(({ name, points }) => {
      const point = points.find(({ step }) => step >= from && (step < to || (isLast && step <= to)));
      return point ? [{ step: point.step, text: `${name} ${formatNumber(point.value)}` }] : [];
    });
    if (lines.length === 0) continue;
    const title = [`step ${lines[0]!.step}`, ...lines.map(({ text }) => text)].join('\n');
    strips.push(
      `<rect class="strip" x="${round(LEFT + i * width)}" y="${TOP}" width="${round(width)}" height="${PLOT_HEIGHT}"><title>${escapeHtml(title)}</title></rect>`,
    );
  }
  return strips.join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
