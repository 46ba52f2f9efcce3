// Demos for tests: their folders, a whole one, and ones that are interrupted.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { Rng } from '../../src/base/rng.js';
import type { Config } from '../../src/config/schema.js';
import type { DemoEvent } from '../../src/demo/demo.js';
import type { ScratchEvent } from '../../src/demo/from-scratch.js';
import type { DemoFigures } from '../../src/demo/measures.js';
import type { StageOptions } from '../../src/demo/stages.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildNetworks, initNetworks } from '../../src/gan/networks.js';
import { reportImage } from '../../src/report/image.js';
import { loadEngine } from '../../src/runtime/node.js';
import { MIN_LAYERS, tinyConfig } from './config.js';

type AnyEvent = DemoEvent | ScratchEvent;
type OnEvent<Event> = (event: Event) => unknown;

/** The config of a demo's short training, kernel by kernel. */
export const configFor = (steps: number): Config =>
  tinyConfig({
    model: MIN_LAYERS,
    training: { steps },
    log: { everySteps: 1, sampleImages: 1 },
    runtime: { capture: false },
  });

/** The kinds of events in their order, each once. */
export const phases = (events: readonly AnyEvent[]): string[] => [...new Set(events.map(({ type }) => type))];

/** The steps that were taken. */
export const stepsOf = (events: readonly AnyEvent[]): number[] =>
  events.flatMap((event) =>
    event.type === 'training' && event.event.type === 'step' ? [event.event.step] : [],
  );

/** The figures that a whole demo ends with. */
export function figuresOf(events: readonly AnyEvent[]): DemoFigures {
  const last = events.at(-1);
  if (last?.type !== 'done') return expect.unreachable('the demo is not done');
  return last.figures;
}

export const isMeasuring = ({ type }: AnyEvent): boolean => type === 'measuring';
export const hasTrained = (event: AnyEvent): boolean => stepsOf([event]).length > 0;

interface DemoTestOptions<Options extends StageOptions, Event extends AnyEvent> {
  run: (options: Options) => AsyncGenerator<Event>;
  /** The options of this demo alone. @param model the folder of a model as the program brings one, but small and untrained. */
  own: (model: string) => Omit<Options, keyof StageOptions>;
  /** Size of the pictures of the model, px. */
  modelSize: number;
  /** Sees the events of the whole demo as they come. */
  onEvent?: OnEvent<Event>;
}

/** The demos of a test file. Make one at its top: it makes folders, and removes them. */
export class DemoTests<Options extends StageOptions, Event extends AnyEvent> {
  /** The folder of a test. */
  folder = '';
  /** The folder of a test's demo. */
  outDir = '';
  /** The folder of a demo that nothing disturbed, and what it told. */
  whole = '';
  wholeEvents: Event[] = [];
  private shared = '';

  constructor(private readonly options: DemoTestOptions<Options, Event>) {
    beforeAll(async () => {
      await loadEngine();
      this.shared = await mkdtemp(join(tmpdir(), 'gnr-cli-demo-'));
      this.whole = join(this.shared, 'demo');
      const config = tinyConfig({ model: { ...MIN_LAYERS, size: options.modelSize } });
      const values = initNetworks(buildNetworks(config), new Rng(1, 'init'));
      await writeModelFolder(this.model, { architecture: config.model, values }, { config, card: '' });
      this.wholeEvents = await this.demo({ outDir: this.whole } as Partial<Options>, options.onEvent);
    });
    // They run after a failed set-up too, which may have made no folder.
    afterAll(() => (this.shared === '' ? undefined : rm(this.shared, { recursive: true, force: true })));
    beforeEach(async () => {
      this.folder = await mkdtemp(join(tmpdir(), 'gnr-cli-demo-'));
      this.outDir = join(this.folder, 'demo');
    });
    afterEach(() => rm(this.folder, { recursive: true, force: true }));
  }

  private get model(): string {
    return join(this.shared, 'model');
  }

  /** Runs a demo to its end; `onEvent` sees every event as it comes. */
  async demo(changes: Partial<Options> = {}, onEvent: OnEvent<Event> = () => undefined): Promise<Event[]> {
    const events: Event[] = [];
    const stage: StageOptions = {
      outDir: this.outDir,
      config: configFor(2),
      images: 4,
      device: 'the test machine',
      date: '2026-01-02',
      signal: new AbortController().signal,
    };
    const options = { ...stage, ...this.options.own(this.model), ...changes } as Options;
    for await (const event of this.options.run(options)) {
      events.push(event);
      await onEvent(event);
    }
    return events;
  }

  /** Runs a demo that is interrupted at an event, and gives the events until then. */
  async interruptedAt(
    isTheMoment: (event: Event) => boolean,
    changes: Partial<Options> = {},
  ): Promise<Event[]> {
    const controller = new AbortController();
    const events: Event[] = [];
    const interrupted = this.demo({ ...changes, signal: controller.signal }, (event) => {
      events.push(event);
      if (isTheMoment(event)) controller.abort();
    });
    await expect(interrupted).rejects.toThrow(InterruptedError);
    return events;
  }

  /** Gives the test's demo a copy of a part of the whole one, or all of it. */
  async take(part = ''): Promise<void> {
    const words = { recursive: true, verbatimSymlinks: true };
    await cp(join(this.whole, part), join(this.outDir, part), words);
  }

  /** A picture of the whole demo as its page holds it. */
  async embedded(name: string): Promise<string> {
    const file = join(this.whole, name);
    const { type, bytes, width } = await reportImage(file, { width: 1200, height: 1800 });
    expect(width).toBe((await sharp(file).metadata()).width);
    return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
  }
}
