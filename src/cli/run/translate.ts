// What `gnr translate` does.
import { InputError, InterruptedError } from '../../base/errors.js';
import { shownPath } from '../../base/file-names.js';
import { lazyFaceDetector } from '../../faces/detector.js';
import { checkFaceOptions } from '../../faces/face-options.js';
import { collectInputs } from '../../images/inputs.js';
import {
  TRANSLATED_TOGETHER,
  type TranslateOptions,
  translateImages,
} from '../../images/translate-images.js';
import { openModel } from '../../translate/open-model.js';
import { makeStyles } from '../../translate/styles.js';
import { withInterrupt } from '../interrupt.js';
import { noteOtherFiles } from '../other-files.js';
import { type Progress, printError, printLine, startProgress } from '../output.js';
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

/** Translates, and prints each path as soon as its file is written. */
async function translateShown(options: TranslateOptions, progress: Progress): Promise<Tally> {
  const tally: Tally = { done: 0, failed: 0, unrecorded: 0, faceless: [] };
  for await (const event of translateImages(options)) {
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

/** Translates the inputs until Ctrl-C. */
export async function run(args: TranslateArguments): Promise<void> {
  checkFaceOptions(args);
  const { choice, direction, recordedModel } = await chooseStyles(args, { defaultCount: DEFAULT_STYLES });
  const inputs = await collectInputs(args.inputs, {
    readStandardInput,
    isTolerant: true,
    onOtherFiles: noteOtherFiles(),
  });
  const { translator, model } = await openModel(args.checkpoint, {
    batch: Math.min(inputs.length, TRANSLATED_TOGETHER),
    onSkipped: (dir, error) => printError(`gnr: skipped the damaged checkpoint ${dir}: ${error.message}`),
  });
  noteOtherModel(recordedModel, model);
  const { face: mode, faceMargin: margin, paste, out: outDir, grid } = args;
  const detector = lazyFaceDetector();
  const faces = { mode, margin, paste, detector: detector.get };
  const progress = startProgress({ label: 'translating', total: inputs.length, unit: 'images' });
  try {
    const tally = await withInterrupt(async (signal) => {
      const styles = await makeStyles(choice, translator, direction);
      const options = { translator, direction, inputs, styles, outDir, grid, model, faces, signal };
      return translateShown(options, progress);
    });
    progress.finish();
    conclude(tally, inputs.length);
  } finally {
    progress.finish();
    translator.dispose();
    await detector.dispose();
  }
}
