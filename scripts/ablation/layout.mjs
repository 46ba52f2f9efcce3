// The files of an ablation's folder.
import path from 'node:path';
import { stepName } from '../../dist/base/step-names.js';

/** Figures of a run's points, in the run's folder. */
export const FIGURES = 'figures.json';
/** Says that a run diverged, and when. */
export const DIVERGED = 'diverged.json';
/** A run's translations at its end. */
export const SHEET = 'sheet.png';

export const datasetFolder = (dir) => path.resolve(dir, 'dataset');
export const runFolder = (dir, name) => path.resolve(dir, 'runs', name);
/** What all runs share: the dataset's settings and the costs of the recipes. */
export const stateFile = (dir) => path.join(dir, 'state.json');
export const referenceFile = (dir) => path.join(dir, 'reference.json');
export const resultsFile = (dir) => path.join(dir, 'results.json');
/** The model of a point of a run. */
export const modelFolder = (runDir, step) => path.join(runDir, 'models', stepName(step));

/** All finite numbers in a value, by their paths: `{a: {b: 1}}` becomes `{'a.b': 1}`. */
export function flatten(value, prefix = '') {
  if (typeof value === 'number') return Number.isFinite(value) ? { [prefix]: value } : {};
  if (typeof value !== 'object' || value === null) return {};
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, item]) => flatten(item, prefix === '' ? key : `${prefix}.${key}`)),
  );
}
