import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { formatDuration } from '../../src/base/format-bytes.js';
import { type OutputStream, printError, printJson, printLine, startProgress } from '../../src/cli/output.js';

/** A stream that keeps what is written, and a clock that the test moves. */
function capture(terminal: Partial<OutputStream> = {}) {
  const written: string[] = [];
  const time = { now: 0 };
  const stream: OutputStream = { write: (text) => written.push(text), ...terminal };
  return { written, time, stream, clock: () => time.now };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are steered by control characters.
const CONTROL = /\r|\u001b\[2K|\n/g;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('progress on an odd terminal', () => {
  test.each([40, 20, 2])('of %i columns leaves out the bar first and never breaks the line', (columns) => {
    const { written, time, stream, clock } = capture({ isTTY: true, columns });
    const progress = startProgress({ label: 'training', total: 30, unit: 'steps', stream, clock });
    time.now = 5000;
    progress.update(15, 'loss 15');
    const line = written.join('').replace(CONTROL, '');
    expect(line.length).toBeLessThan(columns);
    expect('training  50% 15/30 steps, 3.0 steps/s, 5s left, loss 15').toContain(line);
    progress.finish();
  });
  test('that is dumb gets plain lines without control characters', () => {
    vi.stubEnv('TERM', 'dumb');
    const { written, time, stream, clock } = capture({ isTTY: true, columns: 80 });
    const progress = startProgress({ label: 'training', total: 30, unit: 'steps', stream, clock });
    time.now = 5000;
    progress.update(15);
    progress.finish();
    vi.unstubAllEnvs();
    expect(written).not.toHaveLength(0);
    for (const text of written) expect(text).toMatch(/^[\x20-\x7e]+\n$/);
  });
});

describe('progress without a terminal', () => {
  test('writes nothing for work of under two seconds', () => {
    const { written, time, stream, clock } = capture();
    const progress = startProgress({ label: 'reading', total: 4, unit: 'images', stream, clock });
    for (let done = 1; done <= 4; done++) {
      time.now += 400;
      progress.update(done);
    }
    progress.finish('all read');
    expect(written).toEqual([]);
  });

  test('writes a line after two seconds, every ten seconds, and at the end', () => {
    const { written, time, stream, clock } = capture();
    const progress = startProgress({ label: 'training', total: 30, unit: 'steps', stream, clock });
    for (let done = 1; done <= 30; done++) {
      time.now += 1000;
      progress.update(done, `loss ${done}`);
    }
    progress.finish('done');
    expect(written).toEqual([
      'training   6% 2/30 steps, 1.0 steps/s, 28s left, loss 2\n',
      'training  40% 12/30 steps, 1.0 steps/s, 18s left, loss 12\n',
      'training  73% 22/30 steps, 1.0 steps/s, 8s left, loss 22\n',
      'training 100% 30/30 steps, 1.0 steps/s, 30s, done\n',
    ]);
  });

  test('computes the speed from the work since its start, without what was done before', () => {
    const { written, time, stream, clock } = capture();
    const progress = startProgress({ label: 'fetching', total: 100, from: 90, unit: 'steps', stream, clock });
    time.now = 2000;
    progress.update(90);
    time.now = 14_000;
    progress.update(97);
    progress.finish();
    expect(written).toEqual([
      'fetching  90% 90/100 steps, 2s\n',
      'fetching  97% 97/100 steps, 2.0 s/step, 6s left\n',
      'fetching  97% 97/100 steps, 2.0 s/step, 14s\n',
    ]);
  });

  test('shows counts without a total, slow rates as seconds per unit, and bytes in readable units', () => {
    const { written, time, stream, clock } = capture();
    const frames = startProgress({ label: 'video', unit: 'frames', stream, clock });
    time.now = 8000;
    frames.update(2);
    frames.finish();
    const bytes = startProgress({ label: 'download', total: 2e9, unit: 'bytes', stream, clock });
    time.now = 12_000;
    bytes.update(5e8);
    expect(written).toEqual([
      'video: 2 frames, 4.0 s/frame, 8s\n',
      'video: 2 frames, 4.0 s/frame, 8s\n',
      'download  25% 500 MB of 2.00 GB, 125 MB/s, 12s left\n',
    ]);
    bytes.finish();
  });

  test('writes a line after a while even if no update comes', () => {
    const { written, time, stream, clock } = capture();
    const progress = startProgress({ label: 'loading', total: 10, unit: 'images', stream, clock });
    progress.update(5);
    time.now = 5000;
    vi.advanceTimersByTime(500);
    expect(written).toEqual(['loading  50% 5/10 images, 1.0 images/s, 5s left\n']);
    progress.finish();
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(2);
  });
});

describe('progress on a terminal', () => {
  test('redraws a single line that is never wider than the terminal, and ends it once', () => {
    const { written, time, stream, clock } = capture({ isTTY: true, columns: 40 });
    const progress = startProgress({ label: 'training', total: 1000, unit: 'steps', stream, clock });
    for (let done = 100; done <= 1000; done += 100) {
      time.now += 1000;
      progress.update(done, 'a long note about the losses of this step');
    }
    progress.finish();
    for (const text of written) expect(text.replace(CONTROL, '').length).toBeLessThan(40);
    expect(written.slice(0, -1).every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
    expect(written.at(-1)).toMatch(/\n$/);
    expect(written.at(-1)).toContain('training 100% 1000/1000 steps');
  });

  test('draws no more often than ten times a second', () => {
    const { written, time, stream, clock } = capture({ isTTY: true, columns: 80 });
    const progress = startProgress({ label: 'training', total: 1000, unit: 'steps', stream, clock });
    time.now = 2000;
    for (let done = 0; done < 100; done++) {
      time.now += 10;
      progress.update(done);
    }
    expect(written.length).toBeGreaterThanOrEqual(9);
    expect(written.length).toBeLessThanOrEqual(10);
    progress.finish();
  });

  test('clears its line before another line is printed', () => {
    const { written, time, stream, clock } = capture({ isTTY: true, columns: 80 });
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    const progress = startProgress({ label: 'training', total: 10, unit: 'steps', stream, clock });
    time.now = 3000;
    progress.update(5);
    printError('a bad file');
    progress.finish();
    expect(written[1]).toBe('\r\u001b[2K');
    expect(written[2]).toBe('a bad file\n');
  });
});

test('formatDuration writes seconds, minutes or hours with one smaller unit', () => {
  expect([8.4, 185, 7500].map(formatDuration)).toEqual(['8s', '3m 05s', '2h 05m']);
});

describe('text of files with control characters', () => {
  const NAME = 'a\u001b]0;owned\u0007\u001b[2J\u009b1m.png';
  const SHOWN = 'a\\x1b]0;owned\\x07\\x1b[2J\\x9b1m.png';

  /** What is written to a standard stream meanwhile. */
  function writtenTo(stream: NodeJS.WriteStream, isTTY: boolean, work: () => void): string {
    const write = vi.spyOn(stream, 'write').mockReturnValue(true);
    vi.spyOn(stream, 'isTTY', 'get').mockReturnValue(isTTY);
    work();
    return write.mock.calls.map(([text]) => String(text)).join('');
  }
  beforeEach(() => {
    for (const stream of [process.stdout, process.stderr])
      Object.defineProperty(stream, 'isTTY', { get: () => false, configurable: true });
  });

  test('is shown, not sent, on a terminal and in errors', () => {
    expect(writtenTo(process.stdout, true, () => printLine(`${NAME}\nb`))).toBe(`${SHOWN}\nb\n`);
    for (const isTTY of [true, false])
      expect(writtenTo(process.stderr, isTTY, () => printError(NAME))).toContain(`${SHOWN}\n`);
  });

  test('reaches programs as it is, in lines and in JSON', () => {
    expect(writtenTo(process.stdout, false, () => printLine(NAME))).toBe(`${NAME}\n`);
    vi.restoreAllMocks();
    const json = writtenTo(process.stdout, true, () => printJson({ NAME }));
    expect(json).toMatch(/^[\n -~]*$/);
    expect(JSON.parse(json)).toEqual({ NAME });
  });

  test('stays on the line of the progress', () => {
    const { written, time, stream, clock } = capture({ isTTY: true, columns: 200 });
    const progress = startProgress({ label: `${NAME}\n`, unit: 'images', stream, clock });
    time.now = 5000;
    progress.update(15, NAME);
    expect(written.join('').replaceAll('\r\u001b[2K', '')).toBe(
      `${SHOWN}\\n: 15 images, 3.0 images/s, 5s, ${SHOWN}`,
    );
    progress.finish();
  });
});
