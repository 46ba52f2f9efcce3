// The demo's page.
import { join } from 'node:path';
import { reportImage } from '../report/image.js';
import { type ReportData, type ReportGrid, writeReport } from '../report/page.js';
import { MetricCurves } from '../train/log/metric-curves.js';
import { type MetricsRow, readMetrics } from '../train/log/metrics-log.js';
import { reportSamples } from '../train/log/report-samples.js';
import type { DemoGrid, DemoOptions } from './demo.js';
import { type DemoFigures, demoMeasures } from './measures.js';

/** Maximum size of a grid on the page, px: the size in which it was drawn. */
const GRID_PX = { width: 1200, height: 1800 };

/** What fine-tuning adds to the page. */
interface FineTuned {
  runDir: string;
  figures: DemoFigures;
  grid: DemoGrid;
}

async function pageGrid(
  title: string,
  caption: string,
  { png, columnLabels }: DemoGrid,
): Promise<ReportGrid> {
  return { title, caption, image: await reportImage(png, GRID_PX), columnLabels };
}

/** What is on the page once the model is fine-tuned. */
async function fineTunedParts(
  { config }: DemoOptions,
  { runDir, figures, grid }: FineTuned,
): Promise<Partial<ReportData>> {
  const curves = new MetricCurves();
  let last: MetricsRow | undefined;
  for await (const row of readMetrics(join(runDir, 'metrics.jsonl'))) {
    curves.add(row);
    last = row;
  }
  const { earlier, earlierCount } = await reportSamples(runDir);
  return {
    summary:
      'The model that comes with this program translates photographs of faces into drawings. Then it learned another kind of ' +
      'drawings, on this machine. It splits a photo into a content code and a style code; each column is one style on every photo.',
    facts: [
      { label: 'Steps of fine-tuning', value: String(last?.step ?? config.training.steps) },
      ...(last ? [{ label: 'Seconds per step', value: (last.seconds / last.step).toFixed(2) }] : []),
    ],
    grids: [
      await pageGrid(
        'Before and after',
        'Photos in the same styles, by the model as it comes (before), and fine-tuned to prints of few inks (after). The ' +
          'first rows are photographs of real people; the others are drawn photos that are not in the training set.',
        grid,
      ),
    ],
    measures: demoMeasures(figures),
    measureNames: ['Before', 'After'],
    series: curves.series(),
    earlier,
    earlierCount,
  };
}

/** Writes the demo's page: with the photographs alone, or with fine-tuning too. */
export async function writeDemoReport(
  path: string,
  options: DemoOptions,
  { photographs, fineTuned }: { photographs: DemoGrid; fineTuned?: FineTuned },
): Promise<void> {
  const { config, device, date, commands } = options;
  const parts: Partial<ReportData> = fineTuned
    ? await fineTunedParts(options, fineTuned)
    : {
        summary:
          'The model that comes with this program translates photographs of faces into drawings. The demo now teaches it another ' +
          'kind of drawings; load this page again when the demo has ended.',
      };
  await writeReport(path, {
    ...parts,
    title: "GANs N' Roses: demo",
    facts: [
      ...(parts.facts ?? []),
      { label: 'Picture size', value: `${config.model.size} px` },
      { label: 'Device', value: device },
      { label: 'Date', value: date },
    ],
    grids: [
      ...(parts.grids ?? []),
      await pageGrid(
        'Photographs of real people',
        'Translated by the model that comes with this program (models/sample), in eight random styles. It has learned from ' +
          'drawn faces alone, and knows no photograph of a person.',
        photographs,
      ),
    ],
    commands,
    config,
  });
}
