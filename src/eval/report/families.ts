// Groups the figures of a report by the question that they answer.
import { FAMILIES } from '../metrics/families.js';
import { metrics } from '../metrics/registry.js';
import type { FigureColumn } from './figure-table.js';

/** Metrics that answer the same question. */
export interface Family {
  title: string;
  question: string;
  columns: FigureColumn[];
}

const OTHERS = { title: 'Other figures', question: 'Figures of other metrics.' };

/** Groups the columns in the order of the metrics; columns of metrics that are no longer known come last. */
export function familiesOf(columns: readonly FigureColumn[]): Family[] {
  const columnsOf = (name: string) => columns.filter(({ metric }) => metric === name);
  const families = Object.entries(FAMILIES).map(([family, { title, question }]) => ({
    title,
    question,
    columns: Object.entries(metrics).flatMap(([name, metric]) =>
      metric.family === family ? columnsOf(name) : [],
    ),
  }));
  families.push({ ...OTHERS, columns: columns.filter(({ metric }) => !Object.hasOwn(metrics, metric)) });
  return families.filter((family) => family.columns.length > 0);
}
