// Parts of both demos' pages.
import { join } from 'node:path';
import type { ReportData } from '../report/page.js';
import { MetricCurves } from '../train/log/metric-curves.js';
import { type MetricsRow, readMetrics } from '../train/log/metrics-log.js';
import type { StageOptions } from './stages.js';

/** Maximum size of a grid on the page, px: the size in which it was drawn. */
export const GRID_PX = { width: 1200, height: 1800 };

/** The curves of a run, and facts about its steps. @param label of the number of steps. */
export async function runParts(
  runDir: string,
  label: string,
  { config }: StageOptions,
): Promise<{ [Part in 'facts' | 'series']: NonNullable<ReportData[Part]> }> {
  const curves = new MetricCurves();
  let last: MetricsRow | undefined;
  for await (const row of readMetrics(join(runDir, 'metrics.jsonl'))) {
    curves.add(row);
    last = row;
  }
  return {
    facts: [
      { label, value: String(last?.step ?? config.training.steps) },
      ...(last ? [{ label: 'Seconds per step', value: (last.seconds / last.step).toFixed(2) }] : []),
    ],
    series: curves.series(),
  };
}

/** Facts about the demo as a whole. */
export function demoFacts({ config, device, date }: StageOptions): NonNullable<ReportData['facts']> {
  return [
    { label: 'Picture size', value: `${config.model.size} px` },
    { label: 'Device', value: device },
    { label: 'Date', value: date },
  ];
}
