import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandModule } from 'yargs';
import { formatDuration } from '../base/format-bytes.js';
import type { DemoEvent, DemoFigures, SampleModelResult } from '../demo/demo.js';
import type { TrainEvent } from '../train/events.js';
import { withInterrupt } from './interrupt.js';
import { type Progress, printLine, startProgress } from './output.js';
import { TrainingDisplay } from './training-display.js';

const CONFIG = fileURLToPath(new URL('../../configs/demo.json', import.meta.url));
const SAMPLE_MODEL = fileURLToPath(new URL('../../models/sample', import.meta.url));
const IMAGES = 400;

interface DemoArguments {
  out: string;
  steps: number | undefined;
}

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
  const share = figures.diversity / reference.diversity;
  return (
    `The sample model, trained for longer, on the test photos: ${grid}\n` +
    `  correlation with the photo: x ${x.toFixed(2)}, y ${y.toFixed(2)}, size ${scale.toFixed(2)}; ` +
    `styles differ ${share.toFixed(2)} times as much as anime pictures do\n`
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

/** Shows a demo's events. */
async function showDemo(events: AsyncIterable<DemoEvent>): Promise<void> {
  const training = new TrainingDisplay();
  let progress: { label: string; shown: Progress } | undefined;
  const show = (label: string, done: number, total: number): void => {
    if (progress?.label !== label) {
      progress?.shown.finish();
      progress = { label, shown: startProgress({ label, total, unit: 'pictures' }) };
    }
    progress.shown.update(done);
  };
  const close = (): void => {
    progress?.shown.finish();
    progress = undefined;
  };
  try {
    for await (const event of events) {
      if (event.type === 'drawing') {
        if (event.total > 0) show('drawing the sample dataset', event.done, event.total);
      } else if (event.type === 'translating')
        show('translating with the sample model', event.done, event.total);
      else if (event.type === 'measuring') show('measuring', event.done, event.total);
      else {
        close();
        if (event.type === 'training') training.show(event.event satisfies TrainEvent);
        else printLine(resultLines(event));
      }
    }
  } finally {
    close();
    training.close();
  }
}

export const demoCommand: CommandModule<object, DemoArguments> = {
  command: 'demo',
  describe: 'Draw a sample dataset, train on it, translate, and write a report',
  builder: (yargs) =>
    yargs
      .option('out', { type: 'string', default: 'demo', describe: 'Folder for everything that it makes' })
      .option('steps', {
        type: 'number',
        describe: 'Length of the training, in place of that of configs/demo.json',
      })
      .example('$0 demo', 'a few minutes; the result is demo/report.html'),
  handler: async ({ out, steps }) => {
    const { loadConfig } = await import('../config/load.js');
    const { loadEngine } = await import('../runtime/node.js');
    const { runDemo } = await import('../demo/demo.js');
    const config = loadConfig({
      file: CONFIG,
      overrides: [
        `data.root=${join(out, 'dataset')}`,
        ...(steps === undefined ? [] : [`training.steps=${steps}`]),
      ],
    });
    const engine = await loadEngine({ ...config.runtime, work: 'training' });
    const began = performance.now();
    const device = `${engine.device.toUpperCase()}, ${engine.threads} threads, TensorFlow ${engine.tensorflowVersion}`;
    const date = new Date().toISOString().slice(0, 10);
    await withInterrupt((signal) =>
      showDemo(
        runDemo({ outDir: out, sampleModel: SAMPLE_MODEL, config, images: IMAGES, device, date, signal }),
      ),
    );
    printLine(`Done in ${formatDuration((performance.now() - began) / 1000)}.`);
  },
};
