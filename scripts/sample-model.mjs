// Makes the repository's sample model from a checkpoint: EMA generators in float16, the config, and a model card with figures
// measured on newly drawn test images. Needs `npm run build`.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { InputError, messageOf } from '../dist/base/errors.js';
import { Rng } from '../dist/base/rng.js';
import { loadConfig } from '../dist/config/load.js';
import { joinFloats } from '../dist/data/image-arrays.js';
import { writeModelFolder } from '../dist/export/model-folder.js';
import { loadEngine } from '../dist/runtime/node.js';
import { drawSampleDataset } from '../dist/sample/draw.js';
import { readSampleTestSet, referenceFigures, sampleFigures } from '../dist/sample/sample-evaluation.js';
import { readModel } from '../dist/translate/model.js';
import { openTranslator } from '../dist/translate/open-translator.js';
import { drawStyles } from '../dist/translate/translator.js';

const LIMIT_BYTES = 1024 * 1024;
/** The dataset that the card's commands draw; its test images depend only on its seed. */
const DATASET = { images: 6000, size: 64, seed: 1, root: 'data/sample' };
const TEST_IMAGES = 64;
/** The first of the two runs: its config, and the first step whose weights are in the mean that the second starts from. */
const FIRST = { config: 'configs/sample.json', fromStep: 2000 };
const STYLES_PER_PHOTO = 4;
const SEED = 1;
const MARKS = ['<!-- figures -->', '<!-- end of figures -->'];

const log = (text) => process.stderr.write(`${text}\n`);

async function readJson(file) {
  return JSON.parse(await readFile(file, 'utf8'));
}

function withTranslator({ architecture, values }, use) {
  const translator = openTranslator(architecture, values);
  try {
    return use(translator);
  } finally {
    translator.dispose();
  }
}

/** The largest difference between two models' translations of the same photos, in levels of 255. */
function maxDifference(one, other, set) {
  const photos = joinFloats(set.photos.map(({ data }) => data));
  const styles = drawStyles(new Rng(SEED, 'comparison'), set.photos.length, one.architecture.latentDim);
  const [a, b] = [one, other].map((model) =>
    withTranslator(model, (translator) => translator.translate('A2B', photos, styles)),
  );
  return 127.5 * a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

/** A model's figures on the test set. */
function measure(model, set) {
  const figures = withTranslator(model, (translator) =>
    sampleFigures(translator, set, { styles: STYLES_PER_PHOTO, seed: SEED }),
  );
  return { ...figures, anime: referenceFigures(set) };
}

function figureLines({ step, parameters, bytes, largestDifferenceLevels, figures }) {
  const { anime } = figures;
  const row = (name, own, real) => `| ${name} | ${own.toFixed(2)} | ${real.toFixed(2)} |`;
  return [
    `After ${step} steps of its last run; ${parameters} parameters in ${bytes} bytes. Rounding to float16 changes no pixel by more than`,
    `${largestDifferenceLevels.toFixed(2)} of 255 levels. On the ${TEST_IMAGES} test photos, ${STYLES_PER_PHOTO} styles each:`,
    '',
    '| figure | this model | real anime test pictures |',
    '| --- | --- | --- |',
    row(
      "share of pictures with eyes and mouth within 5 % of the face's width of the photo's",
      figures.landmarks.within5,
      anime.landmarks.within5,
    ),
    row('share with eyes and mouth found at all', figures.landmarks.found, anime.landmarks.found),
    row(
      "median error of eyes and mouth, per cent of the face's width",
      figures.landmarks.median,
      anime.landmarks.median,
    ),
    row(
      'place of the face, left to right: correlation with the photo',
      figures.correlation.x,
      anime.correlation.x,
    ),
    row('place of the face, up and down', figures.correlation.y, anime.correlation.y),
    row('size of the face', figures.correlation.scale, anime.correlation.scale),
    row('pixel distance between two styles of one photo', figures.diversity, anime.diversity),
    row(
      'the same, over that between different anime pictures',
      figures.relativeDiversity,
      anime.relativeDiversity,
    ),
    row('distance of radial spectra from anime, dB', figures.spectrum, anime.spectrum),
    row(
      'distance of colours and edges from anime (0: the same)',
      figures.statisticsDistance,
      anime.statisticsDistance,
    ),
  ].join('\n');
}

function newCard({ architecture, config }) {
  const first = loadConfig({
    file: fileURLToPath(new URL(`../${FIRST.config}`, import.meta.url)),
    overrides: [],
  });
  const { size } = architecture;
  const training = config.training ?? {};
  return `# Sample model

A small GANs N' Roses model: turns the photograph-like portraits of this project's sample dataset into its anime portraits,
and back, at ${size} x ${size} px. It shows what the method does, and serves the demo, the tests and the browser page.

    npx gnr translate PICTURES --checkpoint models/sample --out out --grid

## Training

From scratch on the sample dataset alone: ${DATASET.images} + ${DATASET.images} portraits that this project's programs draw. No
photograph of a person and no picture by an artist is in it. Two runs of ${first.training.steps} and ${training.steps} steps of ${training.batch} + ${training.batch} pictures, seed ${training.seed}. The networks and losses
are those of GANs N' Roses (https://arxiv.org/abs/2106.06561) with a relativistic adversarial loss, R2, and the losses of equivariance and
spectrum; the first run has the identity loss too, the second style diversification; neither has LPIPS. config.json has every setting of the second.

    npx gnr dataset sample ${DATASET.root} --images ${DATASET.images} --size ${DATASET.size} --seed ${DATASET.seed}
    npx gnr train --config ${FIRST.config} --out runs/sample --set data.root=${DATASET.root}
    npx gnr export runs/sample --format safetensors --average ${FIRST.fromStep} --out runs/sample-mean
    cp runs/sample/checkpoints/latest/training.safetensors runs/sample-mean
    npx gnr train --init runs/sample-mean --config configs/sample-second.json --out runs/sample-second --set data.root=${DATASET.root}
    node scripts/sample-model.mjs runs/sample-second models/sample

The second run starts from the mean of the EMA weights from step ${FIRST.fromStep} on, because those of any single step have noise that differs from checkpoint to
checkpoint (dots in lines, hatched hair, features out of their places), and with the discriminators of the last step, which the fourth command puts beside it.

## Figures

${MARKS.join('\n')}

Eyes and mouths are where the landmark network (models/landmarks) finds them, and those of the photo where it was drawn; place
and size are those of eyes and mouth together. The pixel distance is the root mean square over pixels in [-1, 1]. Definitions: src/eval.

## Limits

It has seen drawn faces alone, and it is small. Eyes, noses and mouths are those of the photo in other colours and with lines around them, more than
they are those of anime: the style changes colours, lines and backgrounds, and hardly any shape. Outlines are soft and sometimes stepped or double, some
heads have a halo, glasses and beards stay, and light faces can get blots. Of a photograph of a real person it keeps who it is before a plain background (examples/photos/astronaut.jpg); a
busy one (examples/photos/grace_hopper.jpg) keeps its colours in part. Nothing but a face makes sense. The faces that it learned from are few in kind, one to
an image; it says nothing about anybody. At this size details are lost.

## Licence

MIT, as the project.
`;
}

/** The existing card, or a new one, with these lines between its marks. */
async function cardWith(lines, out, about) {
  const old = await readFile(path.join(out, 'README.md'), 'utf8').catch(() => '');
  const card = MARKS.every((mark) => old.includes(mark)) ? old : newCard(about);
  const [before] = card.split(MARKS[0]);
  const after = card.slice(card.indexOf(MARKS[1]));
  return `${before}${MARKS[0]}\n\n${lines}\n\n${after}`;
}

async function make(checkpoint, out, work) {
  await loadEngine();
  const source = await readModel(checkpoint);
  const stored = await readJson(path.join(source.dir, 'config.json'));
  const config = { ...stored, data: { ...stored.data, root: DATASET.root } };
  const { step } = await readJson(path.join(source.dir, 'state.json')).catch(() => ({
    step: stored.training?.steps,
  }));
  log('Drawing the test images.');
  const root = path.join(work, 'data');
  await drawSampleDataset({ dir: root, images: 1, testImages: TEST_IMAGES, seed: DATASET.seed });
  const set = await readSampleTestSet(root, source.architecture.size, TEST_IMAGES);
  const trial = path.join(work, 'model');
  const options = { config, card: '', limitBytes: LIMIT_BYTES };
  const bytes = await writeModelFolder(trial, source, options);
  const model = await readModel(trial);
  log('Translating and measuring.');
  const result = {
    step,
    parameters: Object.values(model.values)
      .flatMap((tree) => Object.values(tree))
      .reduce((sum, { length }) => sum + length, 0),
    bytes,
    largestDifferenceLevels: maxDifference(source, model, set),
    figures: measure(model, set),
  };
  const card = await cardWith(figureLines(result), out, { architecture: model.architecture, config });
  await writeModelFolder(out, model, { ...options, card });
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

const [checkpoint, out, ...rest] = process.argv.slice(2);
if (out === undefined || rest.length > 0) {
  log('Usage: node scripts/sample-model.mjs CHECKPOINT OUT');
  process.exitCode = 2;
} else {
  const work = await mkdtemp(path.join(tmpdir(), 'gnr-sample-model-'));
  try {
    await make(checkpoint, out, work);
  } catch (error) {
    log(`sample-model: ${messageOf(error)}`);
    process.exitCode = error instanceof InputError ? 2 : 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
