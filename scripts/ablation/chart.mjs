// Charts as SVG files that need no style sheet.
import { formatTick, positionOn, stepAxis, valueAxis } from '../../dist/report/axis.js';
import { escapeHtml } from '../../dist/report/html.js';
import { formatNumber } from '../../dist/report/numbers.js';

const [WIDTH, HEIGHT] = [560, 260];
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 160, 30, 42];
const COLOURS = ['#4b5563', '#2f6fb3', '#d1632a', '#2f8f6b', '#9b4f96', '#a5871b', '#b33a4e', '#0f8ea0'];
const LINE_PX = 16;

const round = (value) => Math.round(value * 10) / 10;

/**
 * Draws series of points as lines with dots.
 *
 * @param chart.series `[{name, points: [[x, y], ...], line: false to draw dots alone}]`; those of one name share a colour.
 * @param chart.x its `label`, and `values` for ticks at these values alone, evenly spaced.
 * @returns an SVG file.
 */
export function drawChart({ title, x, series }) {
  const all = series.flatMap(({ points }) => points);
  const across = WIDTH - LEFT - RIGHT;
  const down = HEIGHT - TOP - BOTTOM;
  const y = valueAxis(all.map(([, value]) => value));
  const axis = x.values ? undefined : stepAxis(0, Math.max(...all.map(([value]) => value)));
  const share = (value) =>
    axis ? positionOn(axis, value) : (x.values.indexOf(value) + 0.5) / x.values.length;
  const toX = (value) => round(LEFT + across * share(value));
  const toY = (value) => round(TOP + down * (1 - positionOn(y, value)));
  const ticks = axis
    ? axis.ticks.map((tick) => [tick, formatTick(tick, axis)])
    : x.values.map((value) => [value, formatNumber(value)]);
  const names = [...new Set(series.map(({ name }) => name))];
  const colourOf = (name) => COLOURS[names.indexOf(name) % COLOURS.length];
  const parts = [
    `<text x="${LEFT}" y="16" font-weight="600">${escapeHtml(title)}</text>`,
    ...y.ticks.map(
      (tick) =>
        `<path d="M${LEFT} ${toY(tick)}h${across}" stroke="#e3e5e9"/><text x="${LEFT - 7}" y="${toY(tick) + 4}" text-anchor="end">${formatTick(tick, y)}</text>`,
    ),
    ...ticks.map(
      ([value, text]) =>
        `<path d="M${toX(value)} ${TOP + down}v4" stroke="#9aa1ab"/><text x="${toX(value)}" y="${TOP + down + 17}" text-anchor="middle">${text}</text>`,
    ),
    `<text x="${LEFT + across / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escapeHtml(x.label)}</text>`,
    ...series.map(({ name, points, line = true }) => {
      const path = points.map(([value, height]) => `${toX(value)} ${toY(height)}`).join('L');
      const dots = points.map(
        ([value, height]) => `<circle cx="${toX(value)}" cy="${toY(height)}" r="${line ? 2.2 : 3}"/>`,
      );
      const opacity = line ? 1 : 0.55;
      const stroke = line
        ? `<path d="M${path}" fill="none" stroke="${colourOf(name)}" stroke-width="1.8"/>`
        : '';
      return `${stroke}<g fill="${colourOf(name)}" fill-opacity="${opacity}">${dots.join('')}</g>`;
    }),
    ...names.map((name, i) => {
      const at = TOP + 8 + i * LINE_PX;
      return `<path d="M${WIDTH - RIGHT + 14} ${at}h14" stroke="${colourOf(name)}" stroke-width="2.5"/><text x="${WIDTH - RIGHT + 34}" y="${at + 4}">${escapeHtml(name)}</text>`;
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#3f4450"><title>${escapeHtml(title)}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>${parts.join('')}</svg>\n`;
}
