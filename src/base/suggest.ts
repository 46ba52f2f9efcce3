// Finds the name that a mistyped one was probably meant to be.

/** The fewest letters of a prefix that may stand for the whole name. */
const MIN_START = 4;

/**
 * The name that a mistyped one was most likely meant to be, or undefined if none is close. Ignores case, dashes and
 * underscores; about a third of the letters may differ, or one name may begin with the other.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let bestDistance = Math.floor(wanted.length / 3) + 1;
  for (const candidate of known) {
    const distance = differenceOf(wanted, plain(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * The key that an unknown one was most likely meant to be: a close sibling, else the same name in another section.
 * @param path the unknown key, as in `training.stepps`. @param known the paths of all keys.
 */
export function nearestKey(path: string, known: readonly string[]): string | undefined {
  const split = path.lastIndexOf('.') + 1;
  const prefix = path.slice(0, split);
  const name = path.slice(split);
  const siblings = known.filter((key) => key.startsWith(prefix) && !key.slice(split).includes('.'));
  const sibling = nearestName(
    name,
    siblings.map((key) => key.slice(split)),
  );
  if (sibling !== undefined) return prefix + sibling;
  return known.find((key) => plain(key.slice(key.lastIndexOf('.') + 1)) === plain(name));
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, '');
}

function differenceOf(a: string, b: string): number {
  const isStart = Math.min(a.length, b.length) >= MIN_START && (a.startsWith(b) || b.startsWith(a));
  return isStart ? Math.min(1, editDistance(a, b)) : editDistance(a, b);
}

/** The number of insertions, deletions, substitutions and swaps of neighbours that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
