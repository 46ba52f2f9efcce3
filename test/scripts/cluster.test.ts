// The files that start ranks on clusters: they parse, and say what their pages say. No cluster is needed.
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse } from 'yaml';

const FOLDER = 'scripts/cluster';
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cluster-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a script with programs of the test's in place of those of a cluster. */
async function runScript(words: string[], programs: Record<string, string>, env: NodeJS.ProcessEnv = {}) {
  for (const [name, body] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/bash\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return spawnSync(words[0]!, words.slice(1), {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, ...env, PATH: `${folder}:${process.env.PATH}` },
  });
}

/** Asks the script that has started it to stop, as Slurm and a user do, and ends on the signal that it passes on. */
const signalled = (signal: string): string =>
  `trap 'echo checkpoint; exit 130' USR1; printf '%s\\n' "$*"; kill -${signal} $PPID; for _ in {1..4000}; do sleep 0.05; done`;

test('the Slurm script starts a run, and gives the exit code of mpirun', async () => {
  const script = resolve(FOLDER, 'train.sbatch');
  const mpirun = 'printf "%s\\n" "$*"; exit 3';
  const env = { SLURM_NTASKS: '8', SLURM_JOB_ID: '7' };
  const { status, stdout } = await runScript(
    ['bash', script, 'a.json', 'run', '--steps', '5'],
    { mpirun },
    env,
  );
  expect(status).toBe(3);
  expect(stdout).toContain('-n 8');
  expect(stdout).toContain('npx gnr train --config a.json --out run --steps 5');
});

test('the Slurm script passes the signal before the time limit on, waits for the checkpoint and queues itself again', async () => {
  await mkdir(join(folder, 'run/checkpoints/step-000010'), { recursive: true });
  const programs = { mpirun: signalled('USR1'), scontrol: 'echo scontrol "$@"' };
  const script = resolve(FOLDER, 'train.sbatch');
  const env = { SLURM_NTASKS: '8', SLURM_JOB_ID: '7' };
  const { status, stdout } = await runScript(['bash', script, 'a.json', 'run'], programs, env);
  expect(stdout).toMatch(/gnr train --resume --out run\ncheckpoint\nscontrol requeue 7\n/);
  expect(status).toBe(0);
  const batch = await readFile(script, 'utf8');
  expect(batch).toMatch(/^#SBATCH --signal=B:USR1@\d+$/m);
});

test('the Slurm script leaves a checkpoint on SIGTERM and does not queue itself again', async () => {
  const programs = { mpirun: signalled('TERM'), scontrol: 'echo scontrol "$@"' };
  const env = { SLURM_NTASKS: '8', SLURM_JOB_ID: '7' };
  const words = ['bash', resolve(FOLDER, 'train.sbatch'), 'a.json', 'run'];
  const { status, stdout } = await runScript(words, programs, env);
  expect(status).toBe(130);
  expect(stdout).toContain('checkpoint');
  expect(stdout).not.toContain('scontrol');
});

test('the script for two hosts names both to mpirun, and turns SIGTERM into the signal that leaves a checkpoint', async () => {
  const words = [resolve(FOLDER, 'two-hosts.sh'), 'a', 'b', '4', '--out', 'run'];
  const { status, stdout } = await runScript(words, { mpirun: signalled('TERM') });
  expect(stdout).toContain('--host a:4,b:4 -n 8');
  expect(stdout).toMatch(/npx gnr train --out run\ncheckpoint\n/);
  expect(status).toBe(130);
  const network = 'echo "$OMPI_MCA_btl_tcp_if_include $OMPI_MCA_oob_tcp_if_include"';
  const named = await runScript(words, { mpirun: network }, { NETWORK: '10.0.0.0/24' });
  expect(named.stdout).toBe('10.0.0.0/24 10.0.0.0/24\n');
  expect((await runScript(words.slice(0, 2), {})).status).toBe(2);
});

test.for(['INT', 'TERM', 'HUP'])(
  'the script in place of mpirun passes its words on, and turns SIG%s into the signal that leaves a checkpoint',
  async (signal) => {
    const keepalive = 'echo "lost after $OMPI_MCA_oob_tcp_keepalive_time"';
    const words = ['bash', resolve(FOLDER, 'mpirun.sh'), '-n', '4', 'npx', 'gnr', 'train'];
    const programs = { mpirun: `${keepalive}; ${signalled(signal)}` };
    const { status, stdout } = await runScript(words, programs, { OMPI_MCA_oob_tcp_keepalive_time: '7' });
    expect(stdout).toBe('lost after 7\n-n 4 npx gnr train\ncheckpoint\n');
    expect(status).toBe(130);
  },
);

interface Container {
  args?: string[];
  command: string[];
  lifecycle?: { preStop: { exec: { command: string[] } } };
  resources?: { limits: Record<string, number> };
}
interface Replicas {
  replicas: number;
  template: { spec: { containers: Container[] } };
}
interface MpiJob {
  apiVersion: string;
  kind: string;
  spec: { slotsPerWorker: number; mpiReplicaSpecs: Record<'Launcher' | 'Worker', Replicas> };
}

test('the MPIJob starts as many ranks as its workers have slots and GPUs, and its shell code parses', async () => {
  const job = parse(await readFile(join(FOLDER, 'mpijob.yaml'), 'utf8')) as MpiJob;
  expect([job.apiVersion, job.kind]).toEqual(['kubeflow.org/v2beta1', 'MPIJob']);
  const { Launcher, Worker } = job.spec.mpiReplicaSpecs;
  const [launcher] = Launcher.template.spec.containers;
  const [worker] = Worker.template.spec.containers;
  expect(launcher!.args![0]).toContain(`mpirun -n ${Worker.replicas * job.spec.slotsPerWorker} `);
  expect(worker!.resources!.limits['nvidia.com/gpu']).toBe(job.spec.slotsPerWorker);
  const codes = [launcher!.args![0]!, launcher!.lifecycle!.preStop.exec.command.at(-1)!];
  for (const code of codes) expect(spawnSync('sh', ['-n', '-c', code]).status).toBe(0);
  expect(codes[1]).toContain('kill -USR1 1');
});

test('the container recipe installs Open MPI before the set-up, which builds the addon for it', async () => {
  const recipe = await readFile(join(FOLDER, 'Dockerfile'), 'utf8');
  expect(recipe.indexOf('libopenmpi-dev')).toBeGreaterThan(0);
  expect(recipe.indexOf('gnr setup')).toBeGreaterThan(recipe.indexOf('libopenmpi-dev'));
});
