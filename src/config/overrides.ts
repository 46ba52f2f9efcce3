import { InputError } from '../base/errors.js';

export type Tree = { [key: string]: unknown };

/**
 * The values of `--set a.b=c` options as one tree; of two for the same key the later one counts. A value is read as
 * JSON (numbers, true, null, lists, objects), and as text where it is no JSON.
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
      remedy: 'write for example --set training.steps=1000',
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

/** Lays the second tree over the first: sections key by key, everything else (lists too) as a whole, undefined not. */
export function mergeTrees(below: Tree, above: Tree): Tree {
  // A map, then fromEntries: assigning to a key named __proto__ would change the object's prototype instead.
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = merged.get(key);
    merged.set(key, isTree(under) && isTree(value) ? mergeTrees(under, value) : value);
  }
  return Object.fromEntries(merged);
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
