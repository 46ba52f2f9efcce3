import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError, RunError } from '../../../src/base/errors.js';
import { MetricsLog, type MetricsRow, readMetrics, StepRate } from '../../../src/train/log/metrics-log.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-metrics-'));
  path = join(folder, 'run', 'metrics.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const row = (step: number): MetricsRow => ({
  step,
  seconds: step * 0.5,
  learningRate: 0.002,
  terms: { cycle: 1 / step },
});

async function log(steps: number[], resumedStep = 0): Promise<void> {
  const metrics = await MetricsLog.open(path, resumedStep);
  for (const step of steps) await metrics.write(row(step));
  await metrics.close();
}

async function rowsRead(): Promise<MetricsRow[]> {
  const rows: MetricsRow[] = [];
  for await (const read of readMetrics(path)) rows.push(read);
  return rows;
}

const stepsRead = async () => (await rowsRead()).map(({ step }) => step);

describe('MetricsLog', () => {
  it('reads the rows that it has written, one per line', async () => {
    await log([10, 20]);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
    expect(await rowsRead()).toEqual([row(10), row(20)]);
  });

  it('cuts rows after the resumed step, and continues from there', async () => {
    await log([10, 20, 30, 40]);
    await log([30, 40, 50], 25);
    expect(await stepsRead()).toEqual([10, 20, 30, 40, 50]);
    await log([60], 50);
    expect(await stepsRead()).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it('passes on the rows that stay, wherever the pieces of the file that are read end', async () => {
    const note = 'x'.repeat(50_000);
    const metrics = await MetricsLog.open(path);
    for (const step of [1, 2, 3, 4]) await metrics.write({ ...row(step), note });
    await metrics.close();
    const kept: number[] = [];
    await (await MetricsLog.open(path, 3, ({ step }) => kept.push(step))).close();
    expect(kept).toEqual([1, 2, 3]);
    expect(await stepsRead()).toEqual([1, 2, 3]);
  });

  it('starts empty if nothing is resumed', async () => {
    await log([10, 20]);
    await log([10]);
    expect(await stepsRead()).toEqual([10]);
  });

  it.each(['{"step":30,"sec', '{"step":30,"seconds":1', '\u0000\u0000\u0000', '{}'])(
    'passes over the torn last line %j',
    async (torn) => {
      await log([10, 20]);
      await appendFile(path, torn);
      expect(await stepsRead()).toEqual([10, 20]);
      await log([30], 30);
      expect(await stepsRead()).toEqual([10, 20, 30]);
    },
  );

  it('keeps a last line that lacks only its newline', async () => {
    await log([10, 20]);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.trimEnd());
    expect(await stepsRead()).toEqual([10, 20]);
    await log([30], 20);
    expect(await stepsRead()).toEqual([10, 20, 30]);
  });

  it('names file and line of damage before the last line', async () => {
    await log([10]);
    await appendFile(path, 'not a row\n');
    await appendFile(path, `${JSON.stringify(row(30))}\n`);
    await expect(stepsRead()).rejects.toThrow(InputError);
    await expect(stepsRead()).rejects.toThrow(`${path}, line 2`);
    await expect(MetricsLog.open(path, 30)).rejects.toThrow('line 2');
  });

  it('reads numbers that are not finite as NaN', async () => {
    const metrics = await MetricsLog.open(path);
    await metrics.write({
      step: 1,
      seconds: 1,
      terms: { a: Number.NaN, b: Number.POSITIVE_INFINITY },
      note: 'kept',
    });
    await metrics.close();
    const [read] = await rowsRead();
    expect(read).toEqual({ step: 1, seconds: 1, terms: { a: Number.NaN, b: Number.NaN }, note: 'kept' });
  });

  it('reads no rows from a missing log, and rejects a path that cannot be written', async () => {
    expect(await stepsRead()).toEqual([]);
    await writeFile(join(folder, 'run'), 'a file');
    await expect(MetricsLog.open(path)).rejects.toThrow(RunError);
  });
});

it('StepRate measures the speed between rows, and none for the first row', () => {
  const rate = new StepRate();
  expect(rate.next(1, 60)).toEqual({});
  expect(rate.next(10, 63)).toEqual({ stepsPerSecond: 3 });
  expect(rate.next(20, 68)).toEqual({ stepsPerSecond: 2 });
  // There is no speed without elapsed time.
  expect(rate.next(21, 68)).toEqual({});
});
