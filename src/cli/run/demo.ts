// What `gnr demo` does.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../../base/format-bytes.js';
import { loadConfig } from '../../config/load.js';
import { type DemoEvent, type DemoFigures, runDemo, type SampleModelResult } from '../../demo/demo.js';
import { loadEngine } from '../../runtime/node.js';
import type { DemoArguments } from '../demo.js';
import { withInterrupt } from '../interrupt.js';
import { printLine } from '../output.js';
import { type Stages, startStages } from '../stages.js';
import { TrainingDisplay } from './training-display.js';

const CONFIG = fileURLToPath(new URL('../../../configs/demo.json', import.meta.url));
const SAMPLE_MODEL = fileURLToPath(new URL('../../../models/sample', import.meta.url));
const IMAGES = 400;

/** A table of the model's figures before and after training, beside those of real anime. */
function figureLines({ untrained, trained, reference }: DemoFigures): string {
  const row = (label: string, values: (string | number)[]) =>
    label.padEnd(34) +
    values.map((value) => (typeof value === 'number' ? value.toFixed(2) : value).padStart(11)).join('');
  const { correlation: before } = untrained;
  const { correlation: after } = trained;
  const { correlation: real } = reference;
  return [
    row('', ['untrained', 'trained', 'real anime']),
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

function resultLines(event: Extract<DemoEvent, { type: 'sampleModel' | 'noSampleModel' | 'done' }>): string {
  if (event.type === 'sampleModel') return sampleModelLines(event);
  if (event.type === 'noSampleModel') return `Without the sample model: ${event.reason}\n`;
  return (
    `\n${figureLines(event.figures)}\n\n` +
    `Translated test photos: ${event.grid}\nReport:                 ${event.report}`
  );
}

const STAGES = {
  drawing: 'drawing the sample dataset',
  translating: 'translating with the sample model',
  measuring: 'measuring',
} as const;

function showEvent(event: DemoEvent, training: TrainingDisplay, stages: Stages): void {
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
      printLine(resultLines(event));
  }
}

/** Shows a demo's events. */
async function showDemo(events: AsyncIterable<DemoEvent>): Promise<void> {
  const training = new TrainingDisplay();
  const stages = startStages();
  try {
    for await (const event of events) showEvent(event, training, stages);
  } finally {
    stages.close();
    training.close();
  }
}

/** Runs the demo. */
export async function run({ out, steps }: DemoArguments): Promise<void> {
  const config = loadConfig({
    file: CONFIG,
    overrides: [
      `data.root=${join(out, 'dataset')}`,
      ...(steps === undefined ? [] : [`training.steps=${steps}`]),
    ],
  });
  const engine = await loadEngine({ ...config.runtime, work: 'training' });
  const startedAt = performance.now();
  const device = `${engine.device.toUpperCase()}, ${engine.threads} threads, TensorFlow ${engine.tensorflowVersion}`;
  const date = new Date().toISOString().slice(0, 10);
  await withInterrupt((signal) =>
    showDemo(
      runDemo({ outDir: out, sampleModel: SAMPLE_MODEL, config, images: IMAGES, device, date, signal }),
    ),
  );
  printLine(`Done in ${formatDuration((performance.now() - startedAt) / 1000)}.`);
}
