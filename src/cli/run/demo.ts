// What `gnr demo` does.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countOf } from '../../base/count-of.js';
import { formatDuration } from '../../base/format-bytes.js';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { DEMO_FAMILY, type DemoEvent, runDemo } from '../../demo/demo.js';
import { runScratchDemo, type SampleModelResult, type ScratchEvent } from '../../demo/from-scratch.js';
import type { DemoFigures } from '../../demo/measures.js';
import { lazyFaceDetector } from '../../faces/detector.js';
import { FACE_MARGIN } from '../../faces/square.js';
import { loadEngine } from '../../runtime/node.js';
import { initialConfig } from '../../train/start.js';
import type { DemoArguments } from '../demo.js';
import { withInterrupt } from '../interrupt.js';
import { printLine } from '../output.js';
import { type Stages, startStages } from '../stages.js';
import { type DemoCommands, demoCommands } from './demo-commands.js';
import { TrainingDisplay } from './training-display.js';

const packaged = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const SAMPLE_MODEL = packaged('models/sample');
const IMAGES = 400;

/** A table of the model's figures before and after training, beside those of real drawings. */
function figureLines(
  { untrained, trained, reference }: DemoFigures,
  names: readonly [string, string, string],
): string {
  const row = (label: string, values: readonly (string | number)[]) =>
    label.padEnd(34) +
    values.map((value) => (typeof value === 'number' ? value.toFixed(2) : value).padStart(11)).join('');
  const { correlation: before } = untrained;
  const { correlation: after } = trained;
  const { correlation: real } = reference;
  return [
    row('', names),
    row('distance of colours and edges', [
      untrained.statisticsDistance,
      trained.statisticsDistance,
      reference.statisticsDistance,
    ]),
    row('correlation with the photo: x', [before.x, after.x, real.x]),
    row('                           y', [before.y, after.y, real.y]),
    row('                           size', [before.scale, after.scale, real.scale]),
    row('difference between styles', [untrained.diversity, trained.diversity, reference.diversity]),
  ].join('\n');
}

function sampleModelLines({ grid, figures, reference }: SampleModelResult): string {
  const { x, y, scale } = figures.correlation;
  const diversityRatio = figures.diversity / reference.diversity;
  return (
    `The sample model, trained for longer, on the test photos: ${grid}\n` +
    `  correlation with the photo: x ${x.toFixed(2)}, y ${y.toFixed(2)}, size ${scale.toFixed(2)}; ` +
    `styles differ ${diversityRatio.toFixed(2)} times as much as anime images do\n`
  );
}

/** The events that a demo ends a stage with, as text. */
type Text<Event extends { type: string }> = (
  event: Exclude<Event, { type: keyof typeof STAGES } | { type: 'training' }>,
) => string;

const scratchText: Text<ScratchEvent> = (event) => {
  if (event.type === 'sampleModel') return sampleModelLines(event);
  if (event.type === 'noSampleModel') return `Without the sample model: ${event.reason}\n`;
  return (
    `\n${figureLines(event.figures, ['untrained', 'trained', 'real anime'])}\n\n` +
    `Translated test photos: ${event.grid}\nReport:                 ${event.report}`
  );
};

const demoText =
  (commands: DemoCommands): Text<DemoEvent> =>
  (event) => {
    if (event.type === 'photographs')
      return (
        `What the sample model makes of ${event.photographs} photographs, in ${event.styles} styles: ${event.grid}\n` +
        `  also on the page ${event.report}\n` +
        (event.hasTrained
          ? ''
          : `Next it learns other drawings (gnr dataset sample --family ${DEMO_FAMILY}), in some minutes. Ctrl-C keeps what is done.\n`)
      );
    return (
      `\n${figureLines(event.figures, ['before', 'after', 'real'])}\n\n` +
      `Before and after: ${event.grid}\nReport:           ${event.report}\n\n` +
      commands
        .map(
          ({ title, explanation, lines }) =>
            `${title}: ${explanation}\n${lines.map((line) => `    ${line}\n`).join('')}`,
        )
        .join('')
    );
  };

const STAGES = {
  drawing: 'drawing the sample dataset',
  translating: 'translating with the sample model',
  measuring: 'measuring',
} as const;

function showEvent<Event extends DemoEvent | ScratchEvent>(
  event: Event,
  training: TrainingDisplay,
  stages: Stages,
  textOf: Text<Event>,
): void {
  switch (event.type) {
    case 'drawing':
    case 'translating':
    case 'measuring':
      // A dataset that is there already has nothing to draw.
      if (event.total > 0 || event.type !== 'drawing')
        stages.update({ label: STAGES[event.type], total: event.total, unit: 'images' }, event.done);
      break;
    case 'training':
      stages.close();
      training.show(event.event);
      break;
    default:
      stages.close();
      printLine(textOf(event as Parameters<Text<Event>>[0]));
  }
}

/** Shows a demo's events. */
async function showDemo<Event extends DemoEvent | ScratchEvent>(
  events: AsyncIterable<Event>,
  textOf: Text<Event>,
): Promise<void> {
  const training = new TrainingDisplay();
  const stages = startStages();
  try {
    for await (const event of events) showEvent(event, training, stages, textOf);
  } finally {
    stages.close();
    training.close();
  }
}

/** The options that both demos share. */
interface Shared {
  outDir: string;
  config: Config;
  images: number;
  device: string;
  date: string;
}

async function runFineTuning(shared: Shared): Promise<void> {
  const commands = await demoCommands(shared.outDir, SAMPLE_MODEL);
  const detector = lazyFaceDetector();
  const faces = { mode: 'largest', margin: FACE_MARGIN, paste: false, detector: detector.get } as const;
  try {
    await withInterrupt((signal) => {
      const photographs = packaged('examples/photos');
      const options = { ...shared, model: SAMPLE_MODEL, photographs, faces, commands, signal };
      return showDemo(runDemo(options), demoText(commands));
    });
  } finally {
    await detector.dispose();
  }
}

async function runFromScratch(shared: Shared): Promise<void> {
  await withInterrupt((signal) =>
    showDemo(runScratchDemo({ ...shared, sampleModel: SAMPLE_MODEL, signal }), scratchText),
  );
}

/** Runs the demo. */
export async function run({ out, fromScratch, steps }: DemoArguments): Promise<void> {
  const startedAt = performance.now();
  const overrides = steps === undefined ? [] : [`training.steps=${steps}`];
  const outDir = out ?? (fromScratch ? 'demo-from-scratch' : 'demo');
  const root = join(outDir, fromScratch ? 'dataset' : DEMO_FAMILY);
  const config = fromScratch
    ? loadConfig({ file: packaged('configs/demo.json'), overrides: [`data.root=${root}`, ...overrides] })
    : await initialConfig(
        SAMPLE_MODEL,
        [`data.root=${root}`, ...overrides],
        packaged('configs/demo-finetune.json'),
      );
  const engine = await loadEngine({ ...config.runtime, work: 'training' });
  const device = `${engine.device.toUpperCase()}, ${countOf(engine.threads, 'thread')}, TensorFlow ${engine.tensorflowVersion}`;
  const date = new Date().toISOString().slice(0, 10);
  await (fromScratch ? runFromScratch : runFineTuning)({ outDir, config, images: IMAGES, device, date });
  printLine(`Done in ${formatDuration((performance.now() - startedAt) / 1000)}.`);
}
