import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { latestCheckpoint, readCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { startChild } from '../support/child-process.js';
import {
  compileGnr,
  contentOf,
  errorMessages,
  gnr,
  type Outcome,
  startGnr,
  startGnrToKill,
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

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts a command as a process of its own, which does not outlive the test. */
async function start(words: readonly string[], shell?: string, wrapper?: readonly string[]) {
  const run = await startGnr(shared, words, { shell, wrapper });
  started.push(run.child);
  return run;
}

/** Runs a command on a terminal, which SIGTERM closes. */
const ON_TERMINAL = ['python3', resolve('test/support/run_on_terminal.py')];

describe('a reader that goes away', () => {
  /** Runs the program with its output in a pipe whose reader has ended. */
  const closed = (words: readonly string[], shell: string) => start(words, shell);

  it('of standard output ends a command without a complaint, with code 0', async () => {
    const run = await closed(['--help'], 'exec > >(exec true); sleep 0.5');
    expect(await run.done).toMatchObject({ status: 0, stderr: '' });
  });
  it('of standard error does not change the exit code', async () => {
    const run = await closed(['dataset', 'check', join(folder, 'none')], 'exec 2> >(exec true); sleep 0.5');
    expect(await run.done).toMatchObject({ status: 2 });
  });
  it('of standard output stops a training in order, with a checkpoint and code 130', async () => {
    const words = ['train', '--config', tiny.config, '--out', runDir, '--steps', '1000000'];
    const often = ['--set', 'checkpoint.everySteps=2', '--set', 'log.sampleEverySteps=2'];
    const run = await closed([...words, ...often], 'exec > >(exec head -n 3)');
    const { status, stderr } = await run.done;
    expect(status).toBe(130);
    expect(errorMessages(stderr)).toEqual([
      `gnr: stopped; continue with: gnr train --out ${runDir} --resume`,
    ]);
    expect(await latestCheckpoint(runDir)).toBeDefined();
  });
});

describe('gnr train', () => {
  /** Whether steps are taken: the first of them writes a line. */
  const hasSteps = async (): Promise<boolean> =>
    (await readFile(join(runDir, 'metrics.jsonl'), 'utf8').catch(() => '')).includes('\n');

  /** A run that would go on for hours, and writes and, after a few steps, reads nothing: signals have to come through all the same. */
  const endless = (): string[] => {
    const quiet = ['log.everySteps=1000000', 'log.sampleEverySteps=1000000', 'checkpoint.everySteps=1000000'];
    const sets = quiet.flatMap((override) => ['--set', override]);
    return ['train', '--config', tiny.config, '--out', runDir, '--steps', '1000000', ...sets];
  };

  /** Expects one complete checkpoint, from which the run goes on. @returns it. */
  async function expectToContinue() {
    const { dir, step } = (await latestCheckpoint(runDir))!;
    expect((await readCheckpoint(dir)).step).toBe(step);
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual(['latest', basename(dir)]);
    const resumed = await gnr('train', '--out', runDir, '--resume', '--steps', String(step + 1));
    expect([resumed.code, errorMessages(resumed.stderr)]).toEqual([0, []]);
    expect(resumed.stdout).toContain(`Training from step ${step} to step ${step + 1}`);
    return { dir, step };
  }

  // Closing a terminal can send two hang-ups, and the end of a session SIGTERM as well.
  it.each<[string, NodeJS.Signals[]]>([
    ['Ctrl-C', ['SIGINT']],
    ['hang-ups and SIGTERM', ['SIGHUP', 'SIGHUP', 'SIGTERM']],
  ])('stops after the step under way on %s, and the run goes on from there', async (_, signals) => {
    const run = await start(endless());
    await until(run, hasSteps);
    await setTimeout(1000);
    for (const signal of signals) run.child.kill(signal);
    const { status, stdout, stderr } = await run.done;
    expect(errorMessages(stderr)).toEqual([
      `gnr: stopped; continue with: gnr train --out ${runDir} --resume`,
    ]);
    expect(status).toBe(130);
    const { dir, step } = await expectToContinue();
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`Checkpoint of step ${step}: ${dir}`);
  });

  it('leaves a complete checkpoint when its terminal is closed', async () => {
    const run = await start(endless(), undefined, ON_TERMINAL);
    await until(run, hasSteps);
    run.child.kill('SIGTERM');
    const { stdout, stderr } = await run.done;
    // By SIGHUP.
    expect([stdout, stderr]).toEqual(['-1\n', '']);
    await expectToContinue();
  });

  it('goes on when its terminal is closed if nohup started it', async () => {
    const nohup = ['bash', '-c', `cd ${folder} && exec nohup "$@"`, 'bash'];
    const words = ['train', '--config', tiny.config, '--out', runDir, '--steps', '8'];
    const run = await start([...words, '--set', 'log.everySteps=1'], undefined, [...ON_TERMINAL, ...nohup]);
    await until(run, hasSteps);
    run.child.kill('SIGTERM');
    const { stdout, stderr } = await run.done;
    const output = await readFile(join(folder, 'nohup.out'), 'utf8');
    expect([stdout, stderr], output).toEqual(['0\n', '']);
    expect(output).toMatch(/\nDone in .*\n$/);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 8 });
  });

  it('stops with a checkpoint when nobody reads its output any more', async () => {
    const run = await start(
      endless().map((word) => word.replace('checkpoint.everySteps=1000000', 'checkpoint.everySteps=1')),
    );
    await until(run, hasSteps);
    run.child.stdout!.destroy();
    const { status, stderr } = await run.done;
    expect(errorMessages(stderr)).toEqual([
      `gnr: stopped; continue with: gnr train --out ${runDir} --resume`,
    ]);
    expect(status).toBe(130);
    const { dir, step } = (await latestCheckpoint(runDir))!;
    expect((await readCheckpoint(dir)).step).toBe(step);
  });

  it('ends at once when interrupted twice, and leaves earlier checkpoints unchanged', async () => {
    expect((await train('--steps', '1')).code).toBe(0);
    const before = await contentOf(join(runDir, 'checkpoints'));
    await rm(join(runDir, 'metrics.jsonl'));
    const sets = ['--set', 'log.everySteps=1'];
    const run = await start(['train', '--out', runDir, '--resume', '--steps', '1000000', ...sets]);
    await until(run, hasSteps);
    // Two of one kind could arrive as one.
    run.child.kill('SIGINT');
    run.child.kill('SIGTERM');
    const { status, stderr } = await run.done;
    expect([status, errorMessages(stderr)]).toEqual([130, []]);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 1 });
    expect(await contentOf(join(runDir, 'checkpoints'))).toMatchObject(before);
    expect((await gnr('train', '--out', runDir, '--resume', '--steps', '2')).code).toBe(0);
  });

  it.each<[string, Parameters<typeof startGnrToKill>[2], number]>([
    ['while it writes the tensors of a checkpoint', ['write', /step-000002.*training\.safetensors/, 3], 1],
    ['before the link to the latest checkpoint changes', ['symlink', /latest/, 2], 2],
  ])('loses nothing but the unfinished checkpoint if it is killed %s', async (_, moment, newest) => {
    const straight = join(folder, 'straight');
    const words = ['--config', tiny.config, '--steps', '3', '--set', 'checkpoint.everySteps=1'];
    expect((await gnr('train', '--out', straight, ...words)).code).toBe(0);
    const run = await startGnrToKill(shared, ['train', '--out', runDir, ...words], moment);
    started.push(run.child);
    expect((await run.done).signal).toBe('SIGKILL');
    const left = await readdir(join(runDir, 'checkpoints'));
    expect(left.filter((name) => name.startsWith('.gnr-tmp-')).length).toBe(newest === 1 ? 1 : 0);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: newest });
    const resumed = await gnr('train', '--out', runDir, '--resume');
    expect([resumed.code, errorMessages(resumed.stderr)]).toEqual([0, []]);
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual([
      'latest',
      ...[1, 2, 3].map((step) => `step-00000${step}`),
    ]);
    for (const step of [1, 2, 3])
      for (const file of ['model.safetensors', 'training.safetensors']) {
        const path = join('checkpoints', `step-00000${step}`, file);
        expect((await readFile(join(runDir, path))).equals(await readFile(join(straight, path)))).toBe(true);
      }
  });

  it('ends with the path and the remedy when a file reaches the size limit, and resumes without the limit', async () => {
    expect((await train('--steps', '1')).code).toBe(0);
    const { size: samples } = await stat(join(runDir, 'samples', 'step-000001.png'));
    const { size } = await stat(join(runDir, 'checkpoints', 'step-000001', 'training.safetensors'));
    expect(samples).toBeLessThan(size - 4096);
    const words = ['train', '--out', runDir, '--resume', '--steps', '2'];
    const run = await start(words, `ulimit -f ${Math.floor(size / 1024) - 1}`);
    const { status, stderr } = await run.done;
    expect(status).toBe(1);
    expect(errorMessages(stderr)).toEqual([
      expect.stringMatching(
        new RegExp(`^gnr: Cannot write ${runDir}/checkpoints/.*step-000002.*EFBIG.*raise the limit .*kept`),
      ),
    ]);
    expect((await readdir(join(runDir, 'checkpoints'))).sort()).toEqual(['latest', 'step-000001']);
    const resumed = await gnr(...words);
    expect([resumed.code, errorMessages(resumed.stderr)]).toEqual([0, []]);
    expect(await latestCheckpoint(runDir)).toMatchObject({ step: 2 });
  });

  it('lets oneDNN round products to bfloat16 if the config says so', async () => {
    const script = `await import('./src/cli/main.js');
      process.stdout.write('mode ' + process.env.ONEDNN_DEFAULT_FPMATH_MODE);`;
    const args = ['train', '--config', tiny.config, '--out', runDir, '--steps', '1'];
    const run = await startChild(shared, script, {
      args: [...args, '--set', 'runtime.arithmetic=bfloat16'],
      shell: 'unset ONEDNN_DEFAULT_FPMATH_MODE',
    });
    const { status, stdout } = await run.done;
    expect([status, stdout.split('\n').at(-1)]).toEqual([0, 'mode BF16']);
    expect(JSON.parse(await readFile(join(runDir, 'config.json'), 'utf8'))).toMatchObject({
      runtime: { arithmetic: 'bfloat16' },
    });
  });
});

it('gnr translate stops between two images when interrupted, and every file that it lists is complete', async () => {
  expect((await train('--steps', '1')).code).toBe(0);
  const photo = join(tiny.dataset, 'testA', '00000.png');
  const [inputs, out] = [join(folder, 'inputs'), join(folder, 'out')];
  await mkdir(inputs);
  for (let i = 0; i < 200; i++) await copyFile(photo, join(inputs, `${i}.png`));
  const words = ['translate', inputs, '--checkpoint', runDir, '--out', out, '--styles', '40'];
  const run = await start(words);
  await until(run, () => run.output().includes('\n'));
  run.child.kill('SIGINT');
  const { status, stdout, stderr } = await run.done;
  expect([status, errorMessages(stderr)]).toEqual([
    130,
    [expect.stringMatching(/^gnr: stopped after \d+ of 200 images$/)],
  ]);
  const paths = stdout.trimEnd().split('\n');
  expect(paths.length).toBeLessThan(200 * 40);
  expect((await readdir(out)).sort()).toEqual(paths.map((path) => basename(path)).sort());
  for (const path of [paths[0]!, paths.at(-1)!])
    expect(await sharp(path).metadata()).toMatchObject({ format: 'png', width: 32, height: 32 });
});

it('gnr demo --from-scratch removes an unfinished dataset when interrupted', async () => {
  const out = join(folder, 'demo');
  const run = await start(['demo', '--from-scratch', '--out', out]);
  await until(run, async () => (await readdir(out).catch(() => [])).length > 0);
  run.child.kill('SIGINT');
  const { status, stdout, stderr } = await run.done;
  expect([status, stdout, errorMessages(stderr)]).toEqual([130, '', [expect.stringMatching(/stopped/)]]);
  expect(await readdir(out)).toEqual([]);
});

it.each(['gnr --help', 'gnr train --help', 'gnr video --help'])(
  '%s loads neither TensorFlow nor sharp',
  async (line) => {
    const words = line.split(' ').slice(1);
    const script = `import { createRequire } from 'node:module';
    await import('./src/cli/main.js');
    const packages = Object.keys(createRequire(import.meta.url).cache)
      .flatMap((path) => /node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path)?.[1] ?? []);
    process.stderr.write(JSON.stringify([...new Set(packages)]));`;
    const { status, stdout, stderr } = await (await startChild(shared, script, { args: words })).done;
    expect([status, stdout]).toEqual([0, expect.stringContaining('gnr')]);
    for (const name of JSON.parse(stderr) as string[]) expect(name).not.toMatch(/tensorflow|sharp|zod/);
  },
);
