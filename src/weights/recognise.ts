// Recognises known weights by the names and shapes of a file's tensors.
import { InputError } from '../base/errors.js';
import { KNOWN_WEIGHTS } from './known.js';
import { WEIGHT_NAMES, type WeightName } from './names.js';
import type { SourceFile } from './source-file.js';

/** Weights that a file holds. */
export interface RecognisedWeights {
  name: WeightName;
  /** Names in the file, by the names under which tensors are kept. */
  sources: ReadonlyMap<string, string>;
  /** Whether the file itself distinguishes them from others of the same shapes. */
  isCertain: boolean;
}

const formatShape = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** The weights in the file, or the reason why it does not hold them. */
function find({ entries }: SourceFile, name: WeightName): RecognisedWeights | string {
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
      return `${source} of shape ${formatShape(entry.shape)}, not ${formatShape(shape)}`;
    if (!entry.isFloat) return `${source}, which holds no floating-point numbers`;
  }
  const expected = new Set(sources.values());
  const unexpected = [...entries.keys()].filter(
    (key) => family.test(key) && !expected.has(key) && !key.endsWith('.num_batches_tracked'),
  );
  if (unexpected.length > 0) return `also ${unexpected[0]}`;
  const marked = mark && entries.get(mark.name);
  if (mark && marked && marked.shape.join() !== mark.shape.join())
    return `${mark.name} of shape ${formatShape(marked.shape)}, not ${formatShape(mark.shape)}`;
  return { name, sources, isCertain: mark === undefined || marked !== undefined };
}

function examples({ entries }: SourceFile): string {
  const shown = [...entries].slice(0, 3).map(([name, { shape }]) => `${name} ${formatShape(shape)}`);
  return `${entries.size} tensors such as ${shown.join(', ')}`;
}

/**
 * Recognises the known weights in a file by names and shapes: one of them, or trunk and linear layers of a whole
 * `lpips.LPIPS`.
 *
 * @param as the weights that the file must hold. @throws InputError if it holds none, or others, or it is ambiguous.
 */
export function recognise(file: SourceFile, as?: WeightName): RecognisedWeights[] {
  if (as !== undefined) {
    const found = find(file, as);
    if (typeof found !== 'string') return [found];
    throw new InputError({
      expected: `the weights ${as} in ${file.path}`,
      found: `${found}`,
      remedy: `omit --as, or use ${KNOWN_WEIGHTS[as].files[0]!.name}`,
    });
  }
  const all = WEIGHT_NAMES.map((name) => find(file, name)).filter((found) => typeof found !== 'string');
  const certain = all.filter(({ isCertain }) => isCertain);
  if (certain.length > 0) return certain;
  const names = all.map(({ name }) => name);
  if (names.length > 0)
    throw new InputError({
      expected: `a file at ${file.path} whose tensors show which weights it holds`,
      found: `tensors that ${names.join(' and ')} have in common`,
      remedy: `pass ${names.map((name) => `--as ${name}`).join(' or ')}`,
    });
  throw new InputError({
    expected: `one of the weights ${WEIGHT_NAMES.join(', ')} in ${file.path}`,
    found: file.entries.size === 0 ? 'no tensors' : examples(file),
    remedy: 'use an official file; gnr weights list names them',
  });
}
