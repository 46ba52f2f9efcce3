import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { latestCheckpoint, readCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { startChild } from '../checkpoint/child-process.js';
import {
  compileGnr,
  complaints,
  contentOf,
  gnr,
  type Outcome,
  startGnr,
  type TinyTraining,
  tinyTraining,
  until,
} from '../support/gnr.js';

let shared: string;
let tiny: TinyTraining;
let folder: string;
let runDir: string;

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-process-'));
  tiny = await tinyTraining(shared);
  await compileGnr(shared);
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-process-'));
  runDir = join(folder, 'run');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const train = (...words: string[]): Promise<Outcome> =>
  gnr('train', '--config', tiny.config, '--out', runDir, ...words);

describe('gnr train as a process', () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  async function start(words: readonly string[], shell?: string) {
    const run = await startGnr(shared, ['train', ...words], shell);
    started.push(run.child);
    return run;
  }

  /** Waits for the first line of metrics, which tells that steps are taken. */
  async function firstStep(): Promise<void> {
    let hasBegun = false;
    const look = async () => {
      const text = await readFile(join(runDir, 'metrics.jsonl'), 'utf8').catch(() => '');
      hasBegun = text.includes('\n');
    };
    const timer = setInterval(() => void look(), 50);
    await until(() => hasBegun);
    clearInterval(timer);
  }

  it('stops after the step under way when interrupted, and the run goes on from there', async () => {
    // Nothing is written and, after a few steps, nothing is read any more: the signal has to come through all the same.
    const quiet = ['log.everySteps=1000000', 'log.sampleEverySteps=1000000', 'checkpoint.everySteps=1000000'];
    const sets = quiet.flatMap((override) => ['--set', override]);
    const { child, done } = await start([
      '--config',
      tiny.config,
      '--out',
      runDir,
      '--steps',
      '1000000',
      ...sets,
    ]);
    await firstStep();
    await new Promise((go) => setTimeout(go, 1000));
    child.kill('SIGINT');
    const { status, stdout, stderr } = await done;
    expect(complaints(stderr)).toEqual([`gnr: stopped; go on with: gnr train --out ${runDir} --resume`]);
    expect(status).toBe(130);
    const { dir, step } = (await latestCheckpoint(runDir))!;
    expect((await readCheckpoint(dir)).step).toBe(step);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`Checkpoint of step ${step}: ${dir}`);
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual(['latest', basename(dir)]);
    const resumed = await gnr('train', '--out', runDir, '--resume', '--steps', String(step + 1));
    expect([resumed.code, complaints(resumed.stderr)]).toEqual([0, []]);
    expect(resumed.stdout).toContain(`Training from step ${step} to step ${step + 1}`);
  });

  it('ends at once when interrupted twice, and what was there before is whole', async () => {
    expect((await train('--steps', '1', '--set', 'training.batch=16')).code).toBe(0);
    const before = await contentOf(join(runDir, 'checkpoints'));
    await rm(join(runDir, 'metrics.jsonl'));
    const sets = ['--set', 'log.everySteps=1'];
    const { child, done } = await start(['--out', runDir, '--resume', '--steps', '1000000', ...sets]);
    await firstStep();
    const again = setInterval(() => child.kill('SIGINT'), 20);
    const { status, stderr } = await done;
    clearInterval(again);
    expect([status, complaints(stderr)]).toEqual([130, []]);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 1 });
    expect(await contentOf(join(runDir, 'checkpoints'))).toMatchObject(before);
    expect((await gnr('train', '--out', runDir, '--resume', '--steps', '2')).code).toBe(0);
  });

  it('fails with the path and the remedy where the disk takes no more, and the run goes on once it does', async () => {
    expect((await train('--steps', '1')).code).toBe(0);
    const { size: samples } = await stat(join(runDir, 'samples', 'step-000001.png'));
    const { size } = await stat(join(runDir, 'checkpoints', 'step-000001', 'training.safetensors'));
    expect(samples).toBeLessThan(size - 4096);
    const words = ['--out', runDir, '--resume', '--steps', '2'];
    const { done } = await start(words, `ulimit -f ${Math.floor(size / 1024) - 1}`);
    const { status, stderr } = await done;
    expect(status).toBe(1);
    expect(complaints(stderr)).toEqual([
      expect.stringMatching(
        new RegExp(`^gnr: Cannot write ${runDir}/checkpoints/.*step-000002.*EFBIG.*raise the limit .*kept`),
      ),
    ]);
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual(['latest', 'step-000001']);
    const resumed = await gnr('train', ...words);
    expect([resumed.code, complaints(resumed.stderr)]).toEqual([0, []]);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 2 });
  });

  it('lets products be rounded to bfloat16 where the config says so', async () => {
    const script = `await import('./src/cli/main.js');
      process.stdout.write('mode ' + process.env.ONEDNN_DEFAULT_FPMATH_MODE);`;
    const args = ['train', '--config', tiny.config, '--out', runDir, '--steps', '1'];
    const { done } = await startChild(shared, script, {
      args: [...args, '--set', 'runtime.arithmetic=bfloat16'],
      shell: 'unset ONEDNN_DEFAULT_FPMATH_MODE',
    });
    const { status, stdout } = await done;
    expect([status, stdout.split('\n').at(-1)]).toEqual([0, 'mode BF16']);
    expect(JSON.parse(await readFile(join(runDir, 'config.json'), 'utf8'))).toMatchObject({
      runtime: { arithmetic: 'bfloat16' },
    });
  });
});
