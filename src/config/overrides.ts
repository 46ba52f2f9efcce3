// Parses --set overrides, and merges trees of config values.
import { InputError } from '../base/errors.js';

/** Config values by key, at any depth. */
export type Tree = { [key: string]: unknown };

/**
 * Parses `--set a.b=c` options into one tree; a later option overrides an earlier one with the same key. Values are JSON
 * (numbers, true, null, lists, objects), or text if they are not valid JSON.
 * @throws InputError for an option that is not KEY=VALUE.
 */
export function parseOverrides(overrides: readonly string[]): Tree {
  let tree: Tree = {};
  for (const override of overrides) tree = mergeTrees(tree, parseOverride(override));
  return tree;
}

function parseOverride(override: string): Tree {
  const split = override.indexOf('=');
  const names = override.slice(0, Math.max(split, 0)).trim().split('.');
  if (names.some((name) => name === '')) {
    throw new InputError({
      expected: '--set KEY=VALUE, with a key like training.steps',
      found: JSON.stringify(override),
      remedy: 'write, for example, --set training.steps=1000',
    });
  }
  let value = parseValue(override.slice(split + 1).trim());
  for (const name of names.reverse()) value = Object.fromEntries([[name, value]]);
  return value as Tree;
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Overrides values of the first tree by those of the second: sections by key, all else as a whole; skips undefined. */
export function mergeTrees(below: Tree, above: Tree): Tree {
  // Object.fromEntries is safe: assigning to a key named __proto__ would change the object's prototype.
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const lower = merged.get(key);
    merged.set(key, isTree(lower) && isTree(value) ? mergeTrees(lower, value) : value);
  }
  return Object.fromEntries(merged);
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
