import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunError } from '../../../../src/base/errors.js';
import { EventFile } from '../../../../src/train/log/tensorboard/event-file.js';
import { canMount, compileForChild, startChild } from '../../../support/child-process.js';
import { rejection } from '../../../support/rejection.js';
import { type ReadEvent, readEvents } from './record-reader.js';

let folder: string;
let dir: string;
/** A clock that advances by a quarter of a second at every call. */
let now: () => number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-events-'));
  dir = join(folder, 'run', 'tensorboard');
  let seconds = 1_700_000_000;
  now = () => {
    seconds += 0.25;
    return seconds;
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SESSION_START = 1;

/** The events that a reader keeps of a folder: it reads files by name, and a start drops its step and later ones. */
async function readFolder(): Promise<ReadEvent[]> {
  let kept: ReadEvent[] = [];
  for (const name of (await readdir(dir)).sort()) {
    const { events } = await readEvents(join(dir, name));
    expect(events[0]?.version).toBe('brain.Event:2');
    for (const event of events.slice(1)) {
      if (event.sessionStatus === SESSION_START) kept = kept.filter(({ step }) => step < event.step);
      else kept.push(event);
    }
  }
  return kept;
}

async function writeSteps(step: number, ...steps: number[]): Promise<string> {
  const file = await EventFile.open(dir, { step, now });
  for (const at of steps) await file.scalars(at, { value: at * 10 });
  await file.close();
  return file.path;
}

describe('an event file', () => {
  it('has the version, the start and all written events, with times in seconds', async () => {
    const file = await EventFile.open(dir, { now });
    await file.scalars(1, { 'generators/cycle': 0.5, 'learning-rate': 0.25 });
    await file.image(2, 'samples', Buffer.from('the bytes'), { width: 30, height: 20 });
    const histogram = { min: 0, max: 1, count: 3, sum: 2, sumOfSquares: 2, limits: [0.5, 1], counts: [1, 2] };
    await file.histogram(3, 'weights/D_A/local', histogram);
    await file.close();
    expect(basename(file.path)).toBe('events.out.tfevents.1700000000.gnr');
    const { events, tornBytes } = await readEvents(file.path);
    expect(tornBytes).toBe(0);
    expect(events.slice(0, 2)).toEqual([
      { seconds: 1_700_000_000.5, step: 0, version: 'brain.Event:2' },
      { seconds: 1_700_000_000.5, step: 0, sessionStatus: SESSION_START },
    ]);
    expect(events.slice(2, 4)).toEqual([
      { seconds: 1_700_000_000.75, step: 1, scalars: { 'generators/cycle': 0.5, 'learning-rate': 0.25 } },
      {
        seconds: 1_700_000_001,
        step: 2,
        images: { samples: { width: 30, height: 20, png: Buffer.from('the bytes') } },
      },
    ]);
    expect(events.slice(4)).toMatchObject([{ step: 3, histograms: { 'weights/D_A/local': histogram } }]);
  });

  it('is complete after every call, before it is closed', async () => {
    const file = await EventFile.open(dir, { now });
    for (let step = 1; step <= 3; step++) {
      await file.scalars(step, { value: step });
      const { events, tornBytes } = await readEvents(file.path);
      expect([events.length, tornBytes]).toEqual([2 + step, 0]);
    }
    await file.close();
  });
});

describe('the event file of a resumed run', () => {
  it('sorts after the others, and its steps replace their later steps', async () => {
    const first = await writeSteps(0, 10, 20, 30, 40);
    const before = await readFile(first);
    const second = await writeSteps(20, 25, 35);
    const third = await writeSteps(25, 30);
    expect([second, third]).toEqual([...[second, third]].sort());
    expect(first < second && second < third).toBe(true);
    expect(await readFile(first)).toEqual(before);
    expect((await readFolder()).map(({ step, scalars }) => [step, scalars!.value])).toEqual(
      [10, 20, 25, 30].map((step) => [step, step * 10]),
    );
  });

  it('sorts after the others even if the clock was set back', async () => {
    const first = await writeSteps(0, 10);
    now = () => 1_600_000_000;
    const second = await writeSteps(10, 20);
    expect(first < second).toBe(true);
    expect((await readFolder()).map(({ step }) => step)).toEqual([10, 20]);
  });

  it('replaces everything, including step 0, if the run starts again', async () => {
    await writeSteps(0, 0, 10);
    await writeSteps(0, 0, 5);
    expect((await readFolder()).map(({ step }) => step)).toEqual([0, 5]);
  });

  it('ignores other files and the incomplete end of an earlier one', async () => {
    const first = await writeSteps(0, 10, 20);
    const bytes = await readFile(first);
    await writeFile(first, bytes.subarray(0, -1));
    await writeFile(join(dir, 'events.out.tfevents.1700000001.gnr'), bytes);
    expect(basename(await writeSteps(10, 20))).toBe('events.out.tfevents.1700000002.gnr');
    const { events, tornBytes } = await readEvents(first);
    expect(events.map(({ step }) => step)).toEqual([0, 0, 10]);
    expect(tornBytes).toBeGreaterThan(0);
  });
});

describe('an event file that cannot be written', () => {
  it('fails with a RunError that names the path', async () => {
    await writeFile(join(folder, 'run'), 'a file');
    const error = await rejection(EventFile.open(dir));
    expect(error).toBeInstanceOf(RunError);
    expect(error.message).toContain(`Cannot write ${dir}`);
  });

  const open = `
    import { EventFile } from './src/train/log/tensorboard/event-file.js';
    const [dir] = process.argv.slice(2);
  `;
  const fill = `${open}
    const file = await EventFile.open(dir);
    let error;
    for (let step = 1; error === undefined; step++)
      await file.image(step, 'samples', new Uint8Array(3000), { width: 1, height: 1 }).catch((reason) => { error = reason; });
    process.stdout.write(error.name + ': ' + error.message + '\\n' + file.path);
  `;

  async function expectRejection(code: string, shell: string, wrapper: string[]): Promise<void> {
    await compileForChild(folder);
    await mkdir(join(folder, 'disk'));
    // The disk disappears with the process, so a copy is made.
    const { done } = await startChild(
      folder,
      `${fill}; (await import('node:fs')).cpSync(file.path, dir + '/../copy');`,
      {
        shell,
        wrapper,
        args: [join(folder, 'disk')],
      },
    );
    const { stdout, stderr } = await done;
    expect(stderr).toBe('');
    const [message, path] = stdout.split('\n');
    expect(message).toMatch(new RegExp(`^RunError: Cannot write ${path}: .*${code}.*; `));
    const { events, tornBytes } = await readEvents(join(folder, 'copy'));
    expect(events.length).toBeGreaterThan(2);
    expect(tornBytes).toBe(0);
  }

  it('has no incomplete record after a limit on file sizes, and the error names it', async () => {
    await expectRejection('EFBIG', 'ulimit -f 100', []);
  });

  it.skipIf(!canMount())('has no incomplete record after a full disk, and the error names it', async () => {
    await expectRejection('ENOSPC', `mount -t tmpfs -o size=200k tmpfs ${folder}/disk`, ['unshare', '-rm']);
  });

  it.skipIf(!canMount())('is named in the error on a read-only disk', async () => {
    await compileForChild(folder);
    await mkdir(join(folder, 'disk'));
    const { done } = await startChild(
      folder,
      `${open}; await EventFile.open(dir).catch(({ name, message }) => process.stdout.write(name + ': ' + message));`,
      {
        shell: `mount -t tmpfs -o ro tmpfs ${folder}/disk`,
        wrapper: ['unshare', '-rm'],
        args: [join(folder, 'disk')],
      },
    );
    const { stdout } = await done;
    expect(stdout).toMatch(
      new RegExp(
        `^RunError: Cannot write ${folder}/disk/events\\S+: the file system is read-only \\(EROFS\\)`,
      ),
    );
  });

  it('has at most one incomplete record, the last, after kill -9', async () => {
    await compileForChild(folder);
    const { child, done } = await startChild(
      folder,
      `${open}
      const file = await EventFile.open(dir);
      for (let step = 1; ; step++) {
        await file.image(step, 'samples', new Uint8Array(2e6), { width: 1, height: 1 });
        process.stdout.write(step + '\\n');
      }`,
      { args: [dir] },
    );
    await new Promise<void>((resolve) => {
      let output = '';
      child.stdout!.on('data', (text: string) => {
        output += text;
        if (output.includes('\n4\n')) resolve();
      });
    });
    child.kill('SIGKILL');
    const written = (await done).stdout.trim().split('\n').length;
    const [name] = await readdir(dir);
    const { events } = await readEvents(join(dir, name!));
    // Every event that was reported as written is there.
    expect(events.length).toBeGreaterThanOrEqual(2 + written);
  });
});
