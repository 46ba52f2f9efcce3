// The demos' figures as rows of a page's table.
import type { ReportMeasure } from '../report/page.js';
import type { SampleFigures } from '../sample/sample-evaluation.js';

/** The figures of a network before and after training, and of real images. */
export interface DemoFigures {
  untrained: SampleFigures;
  trained: SampleFigures;
  reference: SampleFigures;
}

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
          ? 'Correlation of the distance between eyes and mouth found in the translated picture with that in the photo. Real: in the anime test pictures.'
          : 'Correlation of the place of eyes and mouth found in the translated picture with that in the photo. Real: in the anime test pictures.',
      better: 'higher',
      of: (figures) => figures.correlation[key],
    }),
  ),
  {
    name: 'Eyes and mouth in place',
    explanation:
      "Share of translated pictures in which both eyes and the mouth are found, each within 5 % of the face's width of where " +
      'the photo has it. Real: the anime test pictures, against where they were drawn.',
    better: 'higher',
    of: (figures) => figures.landmarks.within5,
  },
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
