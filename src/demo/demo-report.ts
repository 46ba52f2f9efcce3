// The demo's page.
import { reportImage } from '../report/image.js';
import { type ReportData, type ReportGrid, writeReport } from '../report/page.js';
import { reportSamples } from '../train/log/report-samples.js';
import type { DemoGrid, DemoOptions } from './demo.js';
import { type DemoFigures, demoMeasures } from './measures.js';
import { demoFacts, GRID_PX, runParts } from './report-parts.js';

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
  options: DemoOptions,
  { runDir, figures, grid }: FineTuned,
): Promise<Partial<ReportData>> {
  const { earlier, earlierCount } = await reportSamples(runDir);
  return {
    ...(await runParts(runDir, 'Steps of fine-tuning', options)),
    summary:
      'The model that comes with this program translates photographs of faces into drawings. Then it learned another kind of ' +
      'drawings, on this machine. It splits a photo into a content code and a style code; each column is one style on every photo.',
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
  const { config, commands } = options;
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
    facts: [...(parts.facts ?? []), ...demoFacts(options)],
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
