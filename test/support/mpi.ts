// Runs scripts and the program on several ranks, by the mpirun of the machine.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { bindingDirectory, findPackages, readStamp } from '../../src/setup/installed.js';
import { type ChildResult, startChild } from './child-process.js';
import { compileFile } from './compile.js';
import { compileGnr } from './gnr.js';

/** Modules of the tests that scripts of ranks may import. */
const SUPPORT = 'test/support/config.ts';

/** What mpirun needs to start more ranks than there are processors, and as root, as in containers. */
const OPTIONS = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];

/** Why tests with several ranks cannot run here; undefined if they can. */
export const noMpi = await reasonWithoutMpi();

async function reasonWithoutMpi(): Promise<string | undefined> {
  if (spawnSync('mpirun', ['--version']).status !== 0) return 'there is no mpirun';
  const stamp = await readStamp(bindingDirectory(await findPackages()));
  return stamp?.mpi ? undefined : 'the engine was set up without MPI (apt install libopenmpi-dev)';
}

if (noMpi !== undefined)
  process.stderr.write(
    `SKIPPED: all tests with several ranks, because ${noMpi}. apt install openmpi-bin libopenmpi-dev\n`,
  );

/** A folder with the compiled program, in which ranks run. */
export class RankFolder {
  folder = '';

  /** Call at the top of a test file. */
  static prepare(): RankFolder {
    const ranks = new RankFolder();
    beforeAll(async () => {
      if (noMpi !== undefined) return;
      ranks.folder = await mkdtemp(join(tmpdir(), 'gnr-ranks-'));
      await compileGnr(ranks.folder);
    });
    afterAll(async () => {
      if (ranks.folder !== '') await rm(ranks.folder, { recursive: true, force: true });
    });
    return ranks;
  }

  /** Starts a script of `test/distributed/ranks` on ranks of this machine. */
  async startScript(size: number, name: string, args: readonly string[] = []) {
    const script = `test/distributed/ranks/${name}.ts`;
    for (const file of [script, SUPPORT])
      await compileFile(file, join(this.folder, file.replace(/\.ts$/, '.js')));
    return this.startRanks(size, `await import('./${script.replace('.ts', '.js')}');`, args);
  }

  /** Runs a script of `test/distributed/ranks`. @returns its output once all ranks have ended. */
  async runScript(size: number, name: string, args: readonly string[] = []): Promise<ChildResult> {
    return (await this.startScript(size, name, args)).done;
  }

  /** Starts the program on ranks of this machine; one rank is a process without mpirun unless `mpirun` is set. */
  startGnr(size: number, words: readonly string[], { mpirun = size > 1 } = {}) {
    return this.startRanks(size, `await import('./src/cli/main.js');`, words, mpirun);
  }

  async gnr(size: number, words: readonly string[], options?: { mpirun: boolean }): Promise<ChildResult> {
    return (await this.startGnr(size, words, options)).done;
  }

  private startRanks(size: number, script: string, args: readonly string[], mpirun = size > 1) {
    const wrapper = mpirun ? ['mpirun', ...OPTIONS, '-n', String(size)] : [];
    return startChild(this.folder, script, { args, wrapper });
  }
}

/** The lines of JSON in an output, which ranks print. */
export function jsonLines<T>(output: string): T[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as T);
}
