// The page of the demo from scratch.
import { type ReportImage, reportImage } from '../report/image.js';
import { type ReportGrid, writeReport } from '../report/page.js';
import { reportSamples } from '../train/log/report-samples.js';
import type { SampleModelResult, ScratchOptions } from './from-scratch.js';
import { type DemoFigures, demoMeasures } from './measures.js';
import { demoFacts, GRID_PX, runParts } from './report-parts.js';
import { GRID_COLUMNS } from './translated-grid.js';

/** The grid of the sample model, with its figures. */
function sampleModelGrid({ figures, reference }: SampleModelResult, image: ReportImage): ReportGrid {
  const { x, y, scale } = figures.correlation;
  const texts = [
    'The same test photos, translated by the model that comes with this program (models/sample). It was trained for',
    'longer, not by this demo. Its figures: distance of colours and edges',
    `${figures.statisticsDistance.toFixed(2)}; correlation with the photo ${x.toFixed(2)} (left to right), ${y.toFixed(2)}`,
    `(up and down), ${scale.toFixed(2)} (size); difference between styles ${figures.diversity.toFixed(2)}, where different`,
    `anime pictures differ by ${reference.diversity.toFixed(2)}.`,
  ];
  return {
    title: 'For comparison: the sample model, trained for longer',
    caption: texts.join(' '),
    image,
    columnLabels: GRID_COLUMNS,
  };
}

/** Writes the page of the demo from scratch. */
export async function writeScratchReport(
  path: string,
  options: ScratchOptions,
  results: {
    runDir: string;
    figures: DemoFigures;
    png: Uint8Array;
    sampleModel: (SampleModelResult & { png: Uint8Array }) | undefined;
  },
): Promise<void> {
  const { runDir, figures, png, sampleModel } = results;
  const { facts, series } = await runParts(runDir, 'Steps', options);
  const { newest, ...samples } = await reportSamples(runDir);
  await writeReport(path, {
    title: "GANs N' Roses: demo",
    summary:
      'A network trained from scratch, on this machine and on drawn portraits, to turn photographs into anime. It splits ' +
      'a photo into a content code and a style code; each column below is one style on every photo.',
    facts: [...facts, ...demoFacts(options)],
    grids: [
      {
        title: 'Translated test photos',
        caption: 'Photos that are not in the training set, in six random styles, with the averaged weights.',
        image: await reportImage(png, GRID_PX),
        columnLabels: GRID_COLUMNS,
      },
      ...(sampleModel ? [sampleModelGrid(sampleModel, await reportImage(sampleModel.png, GRID_PX))] : []),
      ...newest.slice(0, 1),
    ],
    measures: demoMeasures(figures),
    series,
    ...samples,
    config: options.config,
  });
}
