// Groups the figures of a report by the question that they answer.
import type { FigureColumn } from './figure-table.js';

/** Metrics that answer the same question. */
export interface Family {
  title: string;
  question: string;
  columns: FigureColumn[];
}

const FAMILIES: readonly { title: string; question: string; metrics: readonly string[] }[] = [
  {
    title: 'Likeness to real images',
    question: 'Are the outputs, taken together, like the images of the target, and do they cover them?',
    metrics: ['fid', 'kid', 'precisionRecall', 'densityCoverage'],
  },
  {
    title: 'Diversity of styles',
    question: 'Do different styles of one input give different images, each like the target?',
    metrics: ['lpipsDiversity', 'dfid'],
  },
  {
    title: 'Faithfulness to the input',
    question: 'Is what the input shows kept, and is a style the same from image to image?',
    metrics: ['cycleError', 'styleConsistency', 'contentConsistency', 'factors'],
  },
];

const OTHERS = { title: 'Other figures', question: 'What the figures above do not cover.' };

/** Groups the columns in a fixed order; columns of unknown metrics come last. */
export function familiesOf(columns: readonly FigureColumn[]): Family[] {
  const known = new Set(FAMILIES.flatMap(({ metrics }) => metrics));
  const families = FAMILIES.map(({ title, question, metrics }) => ({
    title,
    question,
    columns: metrics.flatMap((name) => columns.filter(({ metric }) => metric === name)),
  }));
  families.push({ ...OTHERS, columns: columns.filter(({ metric }) => !known.has(metric)) });
  return families.filter((family) => family.columns.length > 0);
}
