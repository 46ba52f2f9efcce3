// Reads configs and checkpoints of earlier versions, in which some keys had other names.
import { InputError } from '../base/errors.js';
import { notify } from '../base/notices.js';
import { isTree, type Tree } from './overrides.js';
import type { Source } from './schema-errors.js';

/** Current keys by their earlier ones. Both are `section.name`, in the same section. */
const RENAMED: Readonly<Record<string, string>> = {
  'training.rates': 'training.lrMultipliers',
  'watch.leastDiversity': 'watch.minDiversity',
  'watch.mostRollbacks': 'watch.maxRollbacks',
};

/** Earlier keys that were reported. A run reads its config several times, and reports each once in a process. */
const noticed = new Set<string>();

/**
 * Replaces earlier names of keys by their current ones, with a notice for each.
 * @throws InputError if a source has a key under both names.
 */
export function renameOldKeys({ name: source, values }: Source): Source {
  const tree = values as Tree;
  const changed: Tree = { ...tree };
  for (const [oldKey, newKey] of Object.entries(RENAMED)) {
    const [section, oldName] = oldKey.split('.') as [string, string];
    const newName = newKey.split('.')[1]!;
    const keys = changed[section];
    if (!isTree(keys) || !Object.hasOwn(keys, oldName)) continue;
    if (Object.hasOwn(keys, newName))
      throw new InputError({
        expected: `either ${newKey} or ${oldKey}, its earlier name, in ${source}`,
        found: 'both',
        remedy: `remove ${oldKey}`,
      });
    const renamed = Object.entries(keys).map(([key, value]) => [key === oldName ? newName : key, value]);
    changed[section] = Object.fromEntries(renamed);
    if (!noticed.has(oldKey))
      notify(`${oldKey} (${source}) is called ${newKey} now; the old name still works.`);
    noticed.add(oldKey);
  }
  return { name: source, values: changed };
}
