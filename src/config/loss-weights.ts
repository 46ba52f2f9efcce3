// Lets a number stand for the weight of a loss that has other options too.
import { type LossName, losses } from '../losses/registry.js';
import { isTree, type Tree } from './overrides.js';
import type { Source } from './schema-errors.js';

/** Whether a loss has options beside its weight. */
function hasOptions(name: string): boolean {
  return Object.hasOwn(losses, name) && typeof losses[name as LossName].config.parse(undefined) === 'object';
}

/** Replaces numbers for losses with options: `"cycle": 10` becomes `"cycle": { "weight": 10 }`. */
export function expandLossWeights({ name, values }: Source): Source {
  const tree = values as Tree;
  if (!isTree(tree.losses)) return { name, values };
  const expanded = Object.entries(tree.losses).map(([loss, value]) => [
    loss,
    typeof value === 'number' && hasOptions(loss) ? { weight: value } : value,
  ]);
  return { name, values: { ...tree, losses: Object.fromEntries(expanded) } };
}
