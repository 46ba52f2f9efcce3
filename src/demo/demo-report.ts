// The demo's page.
import { join } from 'node:path';
import { type ReportImage, reportImage } from '../report/image.js';
import { type ReportGrid, type ReportMeasure, writeReport } from '../report/page.js';
import type { SampleFigures } from '../sample/sample-evaluation.js';
import { MetricCurves } from '../train/log/metric-curves.js';
import { type MetricsRow, readMetrics } from '../train/log/metrics-log.js';
import { reportSamples } from '../train/log/report-samples.js';
import type { DemoFigures, DemoOptions, SampleModelResult } from './demo.js';
import { GRID_COLUMNS } from './translated-grid.js';

/** Maximum size of a grid on the page, px: the size in which it was drawn. */
const GRID_PX = { width: 1200, height: 1800 };

interface MeasureText {
  name: string;
  explanation: string;
  better: ReportMeasure['better'];
  of: (figures: SampleFigures) => number;
}

const MEASURES: MeasureText[] = [
  {
    name: 'Distance of colours and edges to anime',
    explanation:
      'How far brightness, colours, saturation and edges of the translated test photos lie from those of the anime test ' +
      'pictures, in standard deviations. Real: one half of the anime test pictures against the other.',
    better: 'lower',
    of: (figures) => figures.statisticsDistance,
  },
  ...(['x', 'y', 'scale'] as const).map(
    (key): MeasureText => ({
      name: {
        x: 'Face stays in place, left to right',
        y: 'Face stays in place, up and down',
        scale: 'Face keeps its size',
      }[key],
      explanation:
        key === 'scale'
          ? 'Correlation of the size of the face found in the translated picture with that of the photo. Real: in the anime test pictures.'
          : 'Correlation of the place of the face found in the translated picture with that in the photo. Real: in the anime test pictures.',
      better: 'higher',
      of: (figures) => figures.correlation[key],
    }),
  ),
  {
    name: 'Difference between styles',
    explanation:
      'Mean pixel distance between translations of one photo in different styles. Real: between different anime pictures, ' +
      'which differ in content too.',
    better: 'near reference',
    of: (figures) => figures.diversity,
  },
];

/** The figures as rows of the page's table. */
export function demoMeasures({ untrained, trained, reference }: DemoFigures): ReportMeasure[] {
  return MEASURES.map(({ of, ...text }) => ({
    ...text,
    untrained: of(untrained),
    trained: of(trained),
    reference: of(reference),
  }));
}

/** The grid of the sample model, with its figures. */
function sampleModelGrid({ figures, reference }: SampleModelResult, image: ReportImage): ReportGrid {
  const { x, y, scale } = figures.correlation;
  const texts = [
    'The same test photos, translated by the model that comes with this program (models/sample). It is larger, and was',
    'trained for longer, not by this demo. Its figures: distance of colours and edges',
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

/** Writes the demo's page. */
export async function writeDemoReport(
  path: string,
  { config, device, date }: DemoOptions,
  results: {
    runDir: string;
    figures: DemoFigures;
    png: Uint8Array;
    sampleModel: (SampleModelResult & { png: Uint8Array }) | undefined;
  },
): Promise<void> {
  const { runDir, figures, png, sampleModel } = results;
  const curves = new MetricCurves();
  let last: MetricsRow | undefined;
  for await (const row of readMetrics(join(runDir, 'metrics.jsonl'))) {
    curves.add(row);
    last = row;
  }
  const { newest, ...samples } = await reportSamples(runDir);
  await writeReport(path, {
    title: "GANs N' Roses: demo",
    summary:
      'A network trained from scratch, on this machine and on drawn portraits, to turn photographs into anime. It splits ' +
      'a photo into a content code and a style code; each column below is one style on every photo.',
    facts: [
      { label: 'Steps', value: String(last?.step ?? config.training.steps) },
      ...(last ? [{ label: 'Seconds per step', value: (last.seconds / last.step).toFixed(2) }] : []),
      { label: 'Picture size', value: `${config.model.size} px` },
      { label: 'Device', value: device },
      { label: 'Date', value: date },
    ],
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
    series: curves.series(),
    ...samples,
    config,
  });
}
