// The curves of a run, from its rows of metrics.
import type { Series } from '../../report/series.js';
import { DownsampledSeries } from './downsampled-series.js';
import type { MetricsRow } from './metrics-log.js';

const SIGNS = /^signals\/realSign/;
const SIGN_CHART = 'Mean sign of real logits';
/** The mean logits of a head, which LeCam regularisation follows. */
const LOGITS = /^signals\/(?:local|global|diversity)(?:Real|Fake)([AB])$/;
const SIGNAL_CHART = 'Signals';
const SPEED_CHART = 'Seconds per step';
const RATE_CHART = 'Learning rate';

/** Collects the curves of a run from its rows of metrics, in memory that does not grow with the run. */
export class MetricCurves {
  private readonly curves = new Map<string, { name: string; group: string; series: DownsampledSeries }>();
  private last: MetricsRow | undefined;

  /** Adds a row; rows must come in order. */
  add(row: MetricsRow): void {
    const { last } = this;
    for (const [term, value] of Object.entries(row.terms)) this.addPoint(groupOf(term), row.step, value);
    if (row.learningRate !== undefined)
      this.addPoint([RATE_CHART, 'learning rate'], row.step, row.learningRate);
    // Only between two rows: the time before the first row is mostly start-up.
    const steps = last ? row.step - last.step : 0;
    const seconds = last ? row.seconds - last.seconds : 0;
    if (steps > 0 && seconds > 0) this.addPoint([SPEED_CHART, 'seconds per step'], row.step, seconds / steps);
    this.last = row;
  }

  /** The terms in the order of their first row, then the curves of the run itself: signals, learning rate, speed. */
  series(): Series[] {
    const rank = ({ group }: Series) => [SIGN_CHART, SIGNAL_CHART, RATE_CHART, SPEED_CHART].indexOf(group);
    return [...this.curves.values()]
      .map(({ name, group, series: points }): Series => {
        const range = group === SIGN_CHART && { range: [-1, 1] as const };
        return { name, group, points: points.points(), means: points.means(), ...range };
      })
      .sort((a, b) => rank(a) - rank(b));
  }

  private addPoint([group, name]: readonly [string, string], step: number, value: number): void {
    const key = JSON.stringify([group, name]);
    const entry = this.curves.get(key) ?? { name, group, series: new DownsampledSeries() };
    this.curves.set(key, entry);
    entry.series.add({ step, value });
  }
}

/** `generator/cycle` is the series cycle in the chart Generator; a plain name belongs to the chart Losses. */
function groupOf(term: string): readonly [group: string, name: string] {
  const split = term.indexOf('/');
  if (split <= 0) return ['Losses', term];
  const name = term.slice(split + 1);
  const domain = LOGITS.exec(term)?.[1];
  if (domain !== undefined) return [`Mean logits, domain ${domain}`, name];
  return [SIGNS.test(term) ? SIGN_CHART : term[0]!.toUpperCase() + term.slice(1, split), name];
}
