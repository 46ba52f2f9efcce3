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
    title: 'Similarity to real images',
    question:
      'Are the outputs as a whole like the images of the target domain, and do they cover their variety?',
    metrics: ['fid', 'kid', 'precisionRecall', 'densityCoverage'],
  },
  {
    title: 'Diversity of styles',
    question: 'Do different styles of one input give different images, each like the target domain?',
    metrics: ['lpipsDiversity', 'dfid'],
  },
  {
    title: 'Faithfulness to the input',
    question: 'Is the content of the input preserved, and is a style the same in every image?',
    metrics: ['cycleError', 'styleConsistency', 'contentConsistency', 'factors'],
  },
];

const OTHERS = { title: 'Other figures', question: 'Figures of other metrics.' };

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
