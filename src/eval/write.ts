// Writes the results of an evaluation: receipt, report, and the hashes of all images.
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/atomic-files.js';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { removeLeftovers } from '../base/leftovers.js';
import { writeJson } from '../base/write-json.js';
import { SOLO, type World } from '../distributed/world.js';
import type { EvaluationEvent } from './evaluate-options.js';
import type { Evaluation } from './evaluation.js';
import type { FeatureKind } from './features/feature-kind.js';
import { formatImageList, listFileName } from './image-list.js';
import type { MethodEvaluation } from './measure-methods.js';
import { fileImage } from './measured-image.js';
import { chosenMetrics } from './metrics/chosen.js';
import { nearestTrainingImages } from './nearest.js';
import type { Protocol } from './protocol.js';
import { readPublished } from './published.js';
import type { ImageGrid, NearestImages } from './report/galleries.js';
import { evaluationPage } from './report/page.js';

/** Maximum number of real images whose distance to the training images is compared with that of the outputs. */
const MAX_COMPARED = 200;

interface WriteOptions {
  onEvent?: (event: EvaluationEvent) => void;
  signal?: AbortSignal | undefined;
  /** Ranks that share the features of training images, and of which rank 0 writes; one by default. */
  world?: World | undefined;
}

function gridsOf(methods: readonly MethodEvaluation[]): ImageGrid[] {
  return methods.flatMap(({ result, shown }): ImageGrid[] => {
    if (shown.length === 0) return [];
    const styles = Math.max(...shown.map(({ outputs }) => new Set(outputs).size));
    const hasSource = shown.some(({ source }) => source !== undefined);
    return [
      {
        title: result.name,
        columns: [
          ...(hasSource ? ['input'] : []),
          ...Array.from({ length: styles }, (_, i) => (styles === 1 ? 'output' : `style ${i + 1}`)),
        ],
        rows: shown.map(({ input, source, outputs }) => ({
          label: input === undefined ? '' : `input ${input + 1}`,
          images: [...(source === undefined ? [] : [source]), ...new Set(outputs)],
        })),
      },
    ];
  });
}

/** The features of the nearest images: those of the protocol's first metric that has any. */
function kindOf({ metrics }: Protocol): FeatureKind | undefined {
  return chosenMetrics(metrics).flatMap(({ requires }) => requires.features ?? [])[0];
}

async function nearestOf(
  { receipt, methods, sources, resources }: Evaluation,
  { onEvent, signal, world }: WriteOptions,
): Promise<NearestImages[]> {
  const kind = kindOf(receipt.protocol);
  const files = sources.training.files;
  if (kind === undefined || files.length === 0) return [];
  const training = files.map(fileImage);
  const trained = new Set(files);
  const real = [...sources.real.files, ...sources.otherReal.files].filter((file) => !trained.has(file));
  const unseen = real.slice(0, MAX_COMPARED).map(fileImage);
  const onProgress = (done: number) =>
    onEvent?.({ type: 'progress', label: 'training images', done, total: files.length, unit: 'images' });
  const compared = methods.filter(({ result }) => result.kind !== 'baseline');
  if (compared.length === 0) return [];
  const { features } = resources;
  await features.featuresOf(kind, training, { onProgress, signal, world });
  if (unseen.length > 0) await features.featuresOf(kind, unseen, { signal, world });
  const nearest: NearestImages[] = [];
  for (const method of compared)
    if (world?.isFirst !== false)
      nearest.push(await nearestTrainingImages({ features, kind, method, training, unseen, signal }));
  return nearest;
}

/** Makes the folder of the results. @throws InputError if it cannot be made or written to. */
export async function prepareFolder(out: string): Promise<void> {
  try {
    await mkdir(out, { recursive: true });
    await access(out, constants.W_OK);
  } catch (error) {
    const found = systemCode(error) ?? messageOf(error);
    throw new InputError(
      { expected: `a folder to write to at ${out}`, found, remedy: 'name another one' },
      { cause: error },
    );
  }
}

/**
 * Writes `receipt.json`, `report.html` and the hashes of each image list (`real.sha256`, for `sha256sum -c`).
 *
 * @returns the paths of report and receipt, and the reason if the report lacks the nearest training images.
 * @throws RunError if the disk is full or fails.
 */
export async function writeEvaluation(
  evaluation: Evaluation,
  out: string,
  options: WriteOptions = {},
): Promise<{ paths: string[]; problem?: InputError }> {
  const { receipt, methods, lists } = evaluation;
  const { isFirst } = options.world ?? SOLO;
  const [report, receiptPath] = [join(out, 'report.html'), join(out, 'receipt.json')];
  if (isFirst) {
    await removeLeftovers(out, { kind: 'tmp' });
    for (const list of lists)
      await writeFileAtomic(join(out, listFileName(list.role)), formatImageList(list));
    await writeJson(receiptPath, receipt);
  }
  let nearest: NearestImages[] = [];
  let problem: InputError | undefined;
  try {
    nearest = await nearestOf(evaluation, options);
  } catch (error) {
    // An unreadable training image costs only the comparison with training images.
    if (!(error instanceof InputError)) throw error;
    problem = error;
  }
  if (!isFirst) return { paths: [] };
  const grids = gridsOf(methods);
  const published = await readPublished();
  await writeFileAtomic(report, await evaluationPage(receipt, { published, grids, nearest, receiptPath }));
  return { paths: [report, receiptPath], ...(problem && { problem }) };
}
