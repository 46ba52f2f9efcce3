// The page of a run's figures over the steps: a chart for each figure, and a table.
import { type Axis, formatTick, positionOn, stepAxis, valueAxis } from '../../report/axis.js';
import { escapeHtml, htmlPage } from '../../report/html.js';
import { REPORT_STYLE } from '../../report/style.js';
import type { Figure } from '../receipt.js';
import { AIMS, decimalsFor, formatCount, formatFigure } from './figure-table.js';
import { EVALUATION_STYLE } from './page-style.js';

const WIDTH = 440;
const HEIGHT = 232;
const LEFT = 50;
const RIGHT = 16;
const TOP = 10;
const BOTTOM = 24;
/** Maximum number of points that get marks; more are drawn as a line. */
const MAX_MARKS = 60;

/** The figures of one checkpoint. */
export interface CurvePoint {
  step: number;
  figures: readonly Figure[];
}

/** One figure over the steps. */
export interface MetricCurve {
  key: string;
  title: string;
  better: Figure['better'];
  how: string;
  decimals: number;
  /** In the order of the steps, without values that are not finite. */
  points: { step: number; value: number; deviation: number | null }[];
  /** The best point, the earliest of equal ones. Undefined if neither end is better, and for a single point. */
  best: { step: number; value: number; deviation: number | null } | undefined;
}

/** Returns the curves of all figures, in the order of their first appearance. */
export function metricCurves(points: readonly CurvePoint[]): MetricCurve[] {
  const ordered = [...points].sort((a, b) => a.step - b.step);
  const first = new Map<string, Figure>();
  for (const { figures } of ordered)
    for (const figure of figures) if (!first.has(figure.key)) first.set(figure.key, figure);
  return [...first.values()].map(({ key, title, better, how }) => {
    const values = ordered.flatMap(({ step, figures }) => {
      const figure = figures.find((candidate) => candidate.key === key);
      if (figure === undefined || !Number.isFinite(figure.value)) return [];
      return [{ step, value: figure.value, deviation: figure.deviation }];
    });
    const decimals = decimalsFor(values.map(({ value }) => value));
    return { key, title, better, how, decimals, points: values, best: bestPoint(values, better) };
  });
}

function bestPoint(points: MetricCurve['points'], better: Figure['better']): MetricCurve['best'] {
  if (better === 'neither' || points.length < 2) return undefined;
  const sign = better === 'lower' ? 1 : -1;
  return points.reduce((best, point) => (sign * point.value < sign * best.value ? point : best));
}

/**
 * Renders the figures of a run over its steps as one HTML page, in the form of `htmlPage`: a chart for each figure, and
 * all numbers.
 */
export function metricCurvesPage(title: string, points: readonly CurvePoint[]): string {
  const curves = metricCurves(points);
  const steps = points.map(({ step }) => step);
  const range =
    steps.length === 0
      ? 'No checkpoint.'
      : `${formatCount(steps.length)} ${steps.length === 1 ? 'checkpoint' : 'checkpoints'}, step ${formatCount(Math.min(...steps))} to ${formatCount(Math.max(...steps))}.`;
  const note = curves.some(({ best }) => best)
    ? ' The best of many checkpoints looks slightly better than it is, because it was chosen by this very figure.'
    : '';
  const main = `<header><h1>${escapeHtml(title)}</h1><p class="lede">${escapeHtml(range + note)}</p></header>
${
  curves.length === 0
    ? '<p class="empty">No figure was measured.</p>'
    : `<section><h2>Over the steps</h2><p class="intro">Vertical lines are standard deviations; the filled point is the best.</p>
<div class="charts">${curves.map(curveChart).join('\n')}</div></section>
${numbers(curves)}
<section><h2>What the figures are</h2><dl class="hows">${curves.map(({ title: name, key, how }) => `<dt>${escapeHtml(name)}<span>${escapeHtml(key)}</span></dt><dd>${escapeHtml(how)}</dd>`).join('')}</dl></section>`
}`;
  return htmlPage(title, REPORT_STYLE + EVALUATION_STYLE, main);
}

/** Draws a figure over the steps: points with their deviations, the best one marked. */
export function curveChart({ title, better, points, best, decimals }: MetricCurve): string {
  const { words, arrow } = AIMS[better];
  const head = (scale: string) =>
    `<figure class="chart curve"><figcaption><h3>${escapeHtml(title)}</h3><span class="scale">${`${arrow} ${words}${scale}`.trim()}</span></figcaption>`;
  if (points.length === 0) return `${head('')}<p class="empty">No values.</p></figure>`;
  const x = stepAxis(points[0]!.step, points.at(-1)!.step);
  const y = heightAxis(points);
  const toX = (step: number) => round(LEFT + (WIDTH - LEFT - RIGHT) * positionOn(x, step));
  const toY = (value: number) => {
    const inside = Math.min(y.high, Math.max(y.low, value));
    return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - positionOn(y, inside)));
  };
  const line = points.map(({ step, value }) => `${toX(step)} ${toY(value)}`).join('L');
  const deviations = points.map(({ step, value, deviation }) =>
    deviation ? `M${toX(step)} ${toY(value - deviation)}V${toY(value + deviation)}` : '',
  );
  const marked = points.length <= MAX_MARKS ? points : points.filter((point) => point === best);
  const marks = marked.map((point) => {
    const name = `step ${formatCount(point.step)}: ${formatFigure(point, decimals)}`;
    const isBest = point === best;
    return `<circle class="point${isBest ? ' top' : ''}" cx="${toX(point.step)}" cy="${toY(point.value)}" r="${isBest ? 4.5 : 3}"><title>${name}</title></circle>`;
  });
  const text = points.length === 1 ? describe(points[0]!, decimals) : rangeWords(points, best, decimals);
  const parts = [
    grid(x, y, toX, toY),
    `<path class="deviation" d="${deviations.join('')}"/>`,
    `<path class="mean" d="M${line}"/>`,
    ...marks,
  ];
  return `${head(y.isLog ? ', logarithmic' : '')}<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${title}: ${text}`)}">${parts.join('')}</svg>${best ? `<p class="best">best ${describe(best, decimals)}</p>` : ''}</figure>`;
}

function heightAxis(points: MetricCurve['points']): Axis {
  const values = valueAxis(points.map(({ value }) => value));
  const ends = points.flatMap(({ value, deviation }) => [value - (deviation ?? 0), value + (deviation ?? 0)]);
  return valueAxis(values.isLog ? ends.filter((end) => end >= values.low) : ends);
}

type Point = MetricCurve['points'][number];

function describe(point: Point, decimals: number): string {
  return `${formatFigure(point, decimals)} at step ${formatCount(point.step)}`;
}

function rangeWords(points: readonly Point[], best: Point | undefined, decimals: number): string {
  const ends = `${describe(points[0]!, decimals)}, ${describe(points.at(-1)!, decimals)}`;
  return best ? `${ends}; best ${describe(best, decimals)}` : ends;
}

function grid(x: Axis, y: Axis, toX: (step: number) => number, toY: (value: number) => number): string {
  const bottom = HEIGHT - BOTTOM;
  const rows = y.ticks.map((tick) => {
    const at = toY(tick);
    return `<path class="grid" d="M${LEFT} ${at}H${WIDTH - RIGHT}"/><text x="${LEFT - 7}" y="${round(at + 4)}" text-anchor="end">${formatTick(tick, y)}</text>`;
  });
  const columns = x.ticks.map((tick) => {
    const at = toX(tick);
    return `<path class="tick" d="M${at} ${bottom}v4"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${formatTick(tick, x)}</text>`;
  });
  return `${rows.join('')}<path class="axis" d="M${LEFT} ${bottom}H${WIDTH - RIGHT}"/>${columns.join('')}`;
}

function numbers(curves: readonly MetricCurve[]): string {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort(
    (a, b) => a - b,
  );
  const head = curves.map(
    ({ title, better }) =>
      `<th scope="col">${escapeHtml(title)}<small>${AIMS[better].arrow} ${AIMS[better].words}</small></th>`,
  );
  const rows = steps.map((step) => {
    const cells = curves.map(({ points, best, decimals }) => {
      const point = points.find((candidate) => candidate.step === step);
      if (point === undefined) return '<td class="gone"><span aria-label="not measured">–</span></td>';
      const mark = point === best ? '<small class="mark">best</small>' : '';
      return `<td${mark ? ' class="best"' : ''}>${formatFigure(point, decimals)}${mark}</td>`;
    });
    return `<tr><th scope="row">${formatCount(step)}</th>${cells.join('')}</tr>`;
  });
  return `<section><h2>Numbers</h2><div class="scroll" tabindex="0" role="region" aria-label="Numbers"><table class="figures" aria-label="Figures of all steps">
<thead><tr><th scope="col">Step</th>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div></section>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
