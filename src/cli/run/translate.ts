// What `gnr translate` does.
import { InputError, InterruptedError } from '../../base/errors.js';
import { shownPath } from '../../base/file-names.js';
import { checkSameModel } from '../../distributed/share.js';
import type { World } from '../../distributed/world.js';
import { lazyFaceDetector } from '../../faces/detector.js';
import { checkFaceOptions } from '../../faces/face-options.js';
import { shareInputs } from '../../images/gather-batches.js';
import { collectInputs } from '../../images/inputs.js';
import {
  TRANSLATED_TOGETHER,
  type TranslateOptions,
  translateImages,
} from '../../images/translate-images.js';
import { loadEngine } from '../../runtime/node.js';
import { type OpenModel, openModel } from '../../translate/open-model.js';
import { makeStyles } from '../../translate/styles.js';
import { withInterrupt } from '../interrupt.js';
import { noteOtherFiles } from '../other-files.js';
import { type Progress, printError, printLine, startProgress } from '../output.js';
import { runTogether } from '../together.js';
import { DEFAULT_STYLES, type TranslateArguments } from '../translate.js';
import { chooseStyles, noteOtherModel } from './choose-styles.js';

/** Far above any photograph; a pipe that never ends stops here. */
const MAX_STANDARD_INPUT_BYTES = 2 ** 30;
const MAX_NAMES = 5;

/** All of standard input. @throws InputError for a terminal, and input that does not end. */
async function readStandardInput(): Promise<Uint8Array> {
  const reject = (found: string) =>
    new InputError({ expected: 'an image on standard input', found, remedy: 'pipe one into the command' });
  if (process.stdin.isTTY) throw reject('a terminal');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > MAX_STANDARD_INPUT_BYTES) throw reject('more than 1 GB');
  }
  return Buffer.concat(chunks);
}

/** Counts of what became of the inputs. */
interface Tally {
  done: number;
  failed: number;
  /** Files without a record. */
  unrecorded: number;
  /** Inputs in which no face was found. */
  faceless: string[];
}

/** Translates, and prints each path as soon as its file is written. @param progress undefined on ranks that print nothing. */
async function translateShown(options: TranslateOptions, progress: Progress | undefined): Promise<Tally> {
  const tally: Tally = { done: 0, failed: 0, unrecorded: 0, faceless: [] };
  for await (const event of translateImages(options)) {
    if (progress === undefined) continue;
    if (event.type === 'grid') printLine(event.path);
    else if (event.type === 'unrecorded') tally.unrecorded++;
    else progress.update(++tally.done);
    if (event.type === 'image') {
      for (const path of event.outputs) printLine(path);
      if (event.isFaceless) tally.faceless.push(event.file);
    }
    if (event.type === 'failed') {
      tally.failed++;
      printError(`gnr: skipped ${shownPath(event.file)}: ${event.error.message}`);
    }
  }
  return tally;
}

/** Names the images without a face. */
function noteFaceless(files: readonly string[]): void {
  if (files.length === 0) return;
  const more = files.length - MAX_NAMES;
  const names = [...files.slice(0, MAX_NAMES).map(shownPath), ...(more > 0 ? [`${more} more`] : [])].join(
    ', ',
  );
  printError(
    `gnr: no face was found in ${names}: translated whole, as far as a centred square shows it (--face off does not look)`,
  );
}

/** Prints notes on a translation. @throws InterruptedError and InputError if inputs are missing in it. */
function conclude({ done, failed, unrecorded, faceless }: Tally, total: number): void {
  noteFaceless(faceless);
  if (unrecorded > 0)
    printError(
      `gnr: ${unrecorded} ${unrecorded === 1 ? 'file holds' : 'files hold'} no record of the styles, which is too long for EXIF: --like cannot take them from there`,
    );
  if (done < total) throw new InterruptedError(`stopped after ${done} of ${total} images`);
  if (failed > 0)
    throw new InputError({
      expected: `${total} readable images`,
      found: `${failed} that could not be read`,
      remedy: 'replace those named above; the others are translated',
    });
}

/** Opens the model on this rank. @throws InputError if the ranks find different ones. */
async function openShared(args: TranslateArguments, batch: number, world: World): Promise<OpenModel> {
  // The ranks of a machine share its processors and GPUs.
  if (world.size > 1) await loadEngine({ world });
  const opened = await openModel(args.checkpoint, {
    batch,
    onSkipped: (dir, error) => {
      if (world.isFirst) printError(`gnr: skipped the damaged checkpoint ${dir}: ${error.message}`);
    },
  });
  await checkSameModel(world, opened.model, args.checkpoint);
  return opened;
}

/** Translates the inputs until Ctrl-C, together with the other ranks. @returns what to tell of it. */
async function runInWorld(args: TranslateArguments, world: World): Promise<{ tally: Tally; total: number }> {
  const { isFirst } = world;
  checkFaceOptions(args);
  const { choice, direction, recordedModel } = await chooseStyles(args, { defaultCount: DEFAULT_STYLES });
  const inputs = await shareInputs(world, () =>
    collectInputs(args.inputs, { readStandardInput, isTolerant: true, onOtherFiles: noteOtherFiles() }),
  );
  const batch = Math.min(inputs.length, TRANSLATED_TOGETHER);
  const { translator, model } = await openShared(args, batch, world);
  if (isFirst) noteOtherModel(recordedModel, model);
  const { face: mode, faceMargin: margin, paste, out: outDir, grid } = args;
  const detector = lazyFaceDetector();
  const faces = { mode, margin, paste, detector: detector.get };
  const total = inputs.length;
  const progress = isFirst ? startProgress({ label: 'translating', total, unit: 'images' }) : undefined;
  try {
    const tally = await withInterrupt(async (signal) => {
      const styles = await makeStyles(choice, translator, direction);
      const options = { translator, direction, inputs, styles, outDir, grid, model, faces, signal, world };
      return translateShown(options, progress);
    });
    return { tally, total };
  } finally {
    progress?.finish();
    translator.dispose();
    await detector.dispose();
  }
}

/** Translates the inputs until Ctrl-C, on all processes that mpirun has started. */
export async function run(args: TranslateArguments): Promise<void> {
  const outcome = await runTogether((world) => runInWorld(args, world));
  if (outcome !== undefined) conclude(outcome.tally, outcome.total);
}
