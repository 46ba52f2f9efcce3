import { InputError } from '../base/errors.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';
import type { SourceFile } from './source-file.js';

/** Weights that a file holds. */
export interface Found {
  name: WeightName;
  /** Names in the file by the names that are kept. */
  sources: ReadonlyMap<string, string>;
  /** Whether the file itself tells them from others of the same shapes. */
  isCertain: boolean;
}

const shown = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The weights in the file, or why they are not there. */
function find({ entries }: SourceFile, name: WeightName): Found | string {
  const { tensors, mark, nameInLpips = (kept) => kept, family } = KNOWN_WEIGHTS[name];
  const isWhole = [...tensors.keys()].some(
    (kept) => kept !== nameInLpips(kept) && entries.has(nameInLpips(kept)),
  );
  const sources = new Map([...tensors.keys()].map((kept) => [kept, isWhole ? nameInLpips(kept) : kept]));
  for (const [kept, shape] of tensors) {
    const source = sources.get(kept)!;
    const entry = entries.get(source);
    if (entry === undefined) return `no ${source}`;
    if (entry.shape.join() !== shape.join())
      return `${source} of shape ${shown(entry.shape)}, not ${shown(shape)}`;
    if (!entry.isFloat) return `${source}, which holds no floating-point numbers`;
  }
  const expected = new Set(sources.values());
  const strangers = [...entries.keys()].filter(
    (other) => family.test(other) && !expected.has(other) && !other.endsWith('.num_batches_tracked'),
  );
  if (strangers.length > 0) return `also ${strangers[0]}`;
  const marked = mark && entries.get(mark.name);
  if (mark && marked && marked.shape.join() !== mark.shape.join())
    return `${mark.name} of shape ${shown(marked.shape)}, not ${shown(mark.shape)}`;
  return { name, sources, isCertain: mark === undefined || marked !== undefined };
}

function examples({ entries }: SourceFile): string {
  const first = [...entries].slice(0, 3).map(([name, { shape }]) => `${name} ${shown(shape)}`);
  return `${entries.size} tensors such as ${first.join(', ')}`;
}

/**
 * Which of the known weights a file holds, told by names and shapes: one, or trunk and linear layers of a whole
 * `lpips.LPIPS`.
 *
 * @param as the weights that it has to be. @throws InputError where it holds none, or others, or cannot tell which.
 */
export function recognise(file: SourceFile, as?: WeightName): Found[] {
  if (as !== undefined) {
    const found = find(file, as);
    if (typeof found !== 'string') return [found];
    throw new InputError({
      expected: `the weights ${as} in ${file.path}`,
      found: `${found}`,
      remedy: `leave --as out, or use ${KNOWN_WEIGHTS[as].files[0]!.name}`,
    });
  }
  const all = WEIGHT_NAMES.map((name) => find(file, name)).filter((found) => typeof found !== 'string');
  const certain = all.filter(({ isCertain }) => isCertain);
  if (certain.length > 0) return certain;
  const names = all.map(({ name }) => name);
  if (names.length > 0)
    throw new InputError({
      expected: `a file that tells which weights it holds at ${file.path}`,
      found: `tensors that ${names.join(' and ')} have alike`,
      remedy: `pass ${names.map((name) => `--as ${name}`).join(' or ')}`,
    });
  throw new InputError({
    expected: `one of the weights ${WEIGHT_NAMES.join(', ')} in ${file.path}`,
    found: file.entries.size === 0 ? 'no tensors' : examples(file),
    remedy: 'use an official file; gnr weights list names them',
  });
}
