// Keys that had other names in earlier versions: configs and checkpoints that use those are still read.
import { InputError } from '../base/errors.js';
import { notify } from '../base/notices.js';
import { isTree, type Tree } from './overrides.js';
import type { Source } from './schema-errors.js';

/** The key of today by the one of before. Both are `section.name`, in the same section. */
const RENAMED: Readonly<Record<string, string>> = {
  'training.rates': 'training.lrMultipliers',
  'watch.leastDiversity': 'watch.minDiversity',
  'watch.mostRollbacks': 'watch.maxRollbacks',
};

/** Told once in a process: a run reads its config several times. */
const noticed = new Set<string>();

/**
 * Values with today's names in place of earlier ones; a notice says which.
 * @throws InputError where a source has a key under both names.
 */
export function withTodaysNames({ name: source, values }: Source): Source {
  const tree = values as Tree;
  const changed: Tree = { ...tree };
  for (const [before, now] of Object.entries(RENAMED)) {
    const [section, oldName] = before.split('.') as [string, string];
    const newName = now.split('.')[1]!;
    const keys = changed[section];
    if (!isTree(keys) || !Object.hasOwn(keys, oldName)) continue;
    if (Object.hasOwn(keys, newName))
      throw new InputError({
        expected: `one of ${now} and ${before}, its earlier name, in ${source}`,
        found: 'both',
        remedy: `leave ${before} out`,
      });
    const renamed = Object.entries(keys).map(([key, value]) => [key === oldName ? newName : key, value]);
    changed[section] = Object.fromEntries(renamed);
    if (!noticed.has(before))
      notify(`${before} (${source}) is called ${now} now; the old name is still read.`);
    noticed.add(before);
  }
  return { name: source, values: changed };
}
