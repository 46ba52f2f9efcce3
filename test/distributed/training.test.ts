import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { errorMessages, tinyTraining, until } from '../support/gnr.js';
import { noMpi, RankFolder } from '../support/mpi.js';

const ranks = RankFolder.prepare();

const checkpoint = (run: string, step: number): string =>
  join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);

const tensorsAt = (run: string, step: number): Promise<Buffer[]> =>
  Promise.all(
    ['model.safetensors', 'training.safetensors'].map((name) => readFile(join(checkpoint(run, step), name))),
  );

describe.skipIf(noMpi !== undefined)('ranks', () => {
  let config = '';
  const run = (name: string): string => join(ranks.folder, name);
  const words = (name: string, ...more: string[]): string[] => [
    ...['train', '--config', config, '--out', run(name), '--set', 'training.r1EverySteps=2'],
    ...['--set', 'distributed.checkEverySteps=1', ...more],
  ];

  beforeAll(async () => {
    ({ config } = await tinyTraining(ranks.folder));
  });

  test('train one model if there are two, and a resumed run has the bytes of one that never stopped', async () => {
    const whole = await ranks.gnr(2, words('whole', '--steps', '4'));
    expect(whole.status, whole.stderr).toBe(0);
    // Rank 0 alone prints.
    expect(whole.stdout.match(/Checkpoint of step 4/g)).toHaveLength(1);
    const first = await ranks.gnr(2, words('parts', '--steps', '2'));
    expect(first.status, first.stderr).toBe(0);
    const second = await ranks.gnr(2, words('parts', '--steps', '4', '--resume'));
    expect(second.status, second.stderr).toBe(0);
    expect(second.stderr).not.toContain('the run continues with');
    expect(await tensorsAt(run('parts'), 4)).toEqual(await tensorsAt(run('whole'), 4));
    const state = JSON.parse(
      await readFile(join(checkpoint(run('whole'), 4), 'state.json'), 'utf8'),
    ) as object;
    expect(state).toMatchObject({ ranks: 2 });
  });

  test('leave a checkpoint that a single process continues, which says so', async () => {
    const two = await ranks.gnr(2, words('fewer', '--steps', '2'));
    expect(two.status, two.stderr).toBe(0);
    const one = await ranks.gnr(1, words('fewer', '--steps', '3', '--resume'));
    expect(one.status, one.stderr).toBe(0);
    expect(one.stderr).toContain('the run continues with 1 process and was trained with 2');
  });

  test('have the bytes of a process without mpirun if there is only one', async () => {
    for (const [name, mpirun] of [
      ['plain', false],
      ['single', true],
    ] as const) {
      const { status, stderr } = await ranks.gnr(1, words(name, '--steps', '2'), { mpirun });
      expect(status, stderr).toBe(0);
    }
    expect(await tensorsAt(run('single'), 2)).toEqual(await tensorsAt(run('plain'), 2));
  });

  test('train captured as kernel by kernel, with statistics over both', async () => {
    const capture = (value: boolean) => [
      ...['--steps', '2', '--set', `runtime.capture=${value}`, '--set', 'distributed.globalStatistics=true'],
      ...['--set', 'distributed.bucketMegabytes=0.05', '--set', 'log.everySteps=1'],
    ];
    const losses: number[][] = [];
    for (const isCaptured of [true, false]) {
      const name = `captured-${isCaptured}`;
      const { status, stderr } = await ranks.gnr(2, words(name, ...capture(isCaptured)));
      expect(status, stderr).toBe(0);
      const [row] = (await readFile(join(run(name), 'metrics.jsonl'), 'utf8')).split('\n');
      losses.push(Object.values((JSON.parse(row!) as { terms: Record<string, number> }).terms));
    }
    expect(losses[0]!.length).toBeGreaterThan(5);
    for (const [i, value] of losses[0]!.entries())
      expect(Math.abs(value - losses[1]![i]!)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value)));
  });

  test('stop after the same step on SIGUSR1, with a checkpoint that --resume continues', async () => {
    const started = await ranks.startGnr(
      2,
      words('stopped', '--steps', '100000', '--set', 'log.everySteps=1'),
    );
    const rows = () => readFile(join(run('stopped'), 'metrics.jsonl'), 'utf8').catch(() => '');
    await until(started, async () => (await rows()).split('\n').length > 3);
    started.child.kill('SIGUSR1');
    const { status, stderr } = await started.done;
    expect(status, stderr).toBe(130);
    expect(errorMessages(stderr).filter((line) => line.includes('stopped; continue with'))).toHaveLength(1);
    const step = (await rows()).trimEnd().split('\n').length;
    await tensorsAt(run('stopped'), step);
  });

  test('share evaluations, which give the figures of one process, and catch up on one that has failed', async () => {
    const dataset = join(ranks.folder, 'more');
    // Two batches of eight at most.
    await drawSampleDataset({ dir: dataset, images: 6, testImages: 9, size: 32 });
    const protocol = join(ranks.folder, 'protocol.json');
    const metrics = { spectrum: {}, relativeDiversity: {}, cycleError: {} };
    await writeFile(
      protocol,
      JSON.stringify({ name: 'small', styles: { perInput: 2 }, seeds: [1], metrics }),
    );
    const evaluations = (...more: string[]) => [
      ...['--set', `data.root=${dataset}`, '--set', `evaluation.protocol=${protocol}`, ...more],
      ...[
        '--set',
        'evaluation.everySteps=1',
        '--set',
        'log.everySteps=1',
        '--set',
        'checkpoint.everySteps=1',
      ],
    ];
    const image = join(dataset, 'testA', '00008.png');
    const content = await readFile(image);
    await writeFile(image, 'no image');
    const failed = await ranks.gnr(2, words('evaluated', ...evaluations('--steps', '2')));
    expect(failed.status, failed.stderr).toBe(2);
    expect(errorMessages(failed.stderr), failed.stderr).toHaveLength(1);
    expect(failed.stderr).toMatch(/gnr: rank \d on .*00008\.png/);
    await writeFile(image, content);
    const { status, stderr } = await ranks.gnr(
      2,
      words('evaluated', ...evaluations('--steps', '2', '--resume')),
    );
    expect(status, stderr).toBe(0);
    const rows = (await readFile(join(run('evaluated'), 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(rows).toHaveLength(2);
    for (const [i, row] of rows.entries()) {
      const { terms } = JSON.parse(row) as { terms: Record<string, number> };
      const one = await ranks.gnr(1, [
        ...['evaluate', checkpoint(run('evaluated'), i + 1), '--data', dataset, '--protocol', protocol],
        ...['--baselines', 'none', '--json'],
      ]);
      const { figures } = JSON.parse(one.stdout).methods[0] as { figures: { key: string; value: number }[] };
      expect(figures).toHaveLength(3);
      for (const { key, value } of figures)
        expect(terms[`evaluation/${key}`]! / value, key).toBeCloseTo(1, 6);
    }
  });

  test('end with one message if there is no dataset', async () => {
    const { status, stderr } = await ranks.gnr(2, words('none', '--set', 'data.root=/nowhere'));
    expect(status).toBe(2);
    const messages = errorMessages(stderr);
    expect(messages, stderr).toHaveLength(1);
    expect(messages[0]).toContain(`on ${os.hostname()}: Expected`);
  });

  const everyStep = ['--set', 'log.everySteps=1', '--set', 'checkpoint.everySteps=2'];

  test.for([
    ['images of rank 1', `after step 3 on rank 1 on ${os.hostname()}: training has diverged`],
    ['disk of rank 0', `rank 0 on ${os.hostname()}: Cannot write`],
  ] as const)(
    'end with one message after a fault (%s), keep the newest checkpoint, and go on from it',
    async ([fault, cause]) => {
      const { status, stderr } = await ranks.runScript(2, 'faulty-training', [
        ...[fault, ...words(fault, '--steps', '6', ...everyStep)],
      ]);
      expect(status, stderr).toBe(1);
      const messages = errorMessages(stderr);
      expect(messages, stderr).toHaveLength(1);
      expect(messages[0]).toContain(cause);
      await tensorsAt(run(fault), 2);
      const resumed = await ranks.gnr(2, words(fault, '--steps', '4', '--resume'));
      expect(resumed.status, resumed.stderr).toBe(0);
      await tensorsAt(run(fault), 4);
    },
  );

  test('roll back together after a divergence that only the weights of a checkpoint show', async () => {
    const { status, stderr } = await ranks.runScript(2, 'faulty-training', [
      'weights once',
      ...words('weights', '--steps', '3', ...everyStep, '--set', 'watch.onNonFinite=rollback'),
    ]);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/weights that are not finite after step 2: rolled back to step 0/);
    await tensorsAt(run('weights'), 3);
  });

  test('end with the message of one process if what is left of a step shows divergence again and again', async () => {
    const first = await ranks.gnr(2, words('left', '--steps', '2'));
    expect(first.status, first.stderr).toBe(0);
    const file = join(checkpoint(run('left'), 2), 'state.json');
    const state = JSON.parse(await readFile(file, 'utf8')) as object;
    const unfinished = { observer: 'watch', terms: { broken: null }, learningRate: 0.001 };
    await writeFile(file, JSON.stringify({ ...state, unfinished }));
    const rollback = ['--set', 'watch.onNonFinite=rollback', '--set', 'watch.maxRollbacks=1'];
    const more = ['--steps', '4', '--resume', ...rollback];
    const { status, stderr } = await ranks.gnr(2, words('left', ...more));
    expect(status, stderr).toBe(1);
    const messages = errorMessages(stderr);
    expect(messages, stderr).toHaveLength(2);
    expect(messages[0]).toContain('The loss term broken is NaN after step 2: rolled back to step 2');
    expect(messages[1]).toContain('The loss term broken is NaN after step 2: training has diverged');
  });
});
