import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leaveTemporary } from '../support/leftovers.js';
import { withRunFolder } from './run-folder.js';
import { buildWorker, fuzz } from './run-target.js';

const ROOT = join(import.meta.dirname, '../..');
/** A target that writes files. */
const TARGET = 'torch-file';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-run-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Folders of this project's runs of fuzzing by one process. */
async function runFoldersOf(pid: number): Promise<string[]> {
  const names = await readdir(join(ROOT, '.fuzz')).catch(() => []);
  return names.filter((name) => name.startsWith('.gnr-tmp-run~') && name.includes(`-${pid.toString(36)}-`));
}

/** Files of processes whose temporary folder is `folder`. */
const files = () => readdir(folder, { recursive: true });

describe('the files of a run of fuzzing', () => {
  it('have gone at its end, though its thread was ended in the middle of its work', async () => {
    const temporary = process.env.TMPDIR;
    process.env.TMPDIR = folder;
    const stop = new AbortController();
    try {
      await withRunFolder(ROOT, async (path) => {
        const worker = await buildWorker(ROOT, path);
        const waiting = setInterval(() => {
          if (existsSync(join(path, 'input.pt'))) stop.abort();
        }, 10);
        const result = await fuzz(worker, TARGET, { seed: 1, runs: 1e9, signal: stop.signal });
        clearInterval(waiting);
        expect(result).toEqual({ runs: expect.any(Number) });
        expect(result.runs).toBeLessThan(1e9);
      });
    } finally {
      if (temporary === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = temporary;
    }
    expect(await runFoldersOf(process.pid)).toEqual([]);
    expect(await files()).toEqual([]);
  });

  it('are removed by the next run if its process was killed', async () => {
    await mkdir(join(folder, '.fuzz'));
    const left = await leaveTemporary(join(folder, '.fuzz', 'run'), { 'seed.pt': 'x' });
    expect(await readdir(join(folder, '.fuzz'))).toEqual([left]);
    await withRunFolder(folder, async (path) => {
      expect(await readdir(join(folder, '.fuzz'))).not.toContain(left);
      expect(await readdir(path)).toEqual([]);
    });
    expect(await readdir(join(folder, '.fuzz'))).toEqual([]);
  });

  it('have gone when Ctrl-C ends `npm run fuzz`, which says how many inputs it tried', async () => {
    const words = ['scripts/fuzz.mjs', '--engine', 'random', '--seconds', '3600', TARGET];
    const child = spawn(process.execPath, words, { cwd: ROOT, env: { ...process.env, TMPDIR: folder } });
    let output = '';
    let isStopped = false;
    const collect = (text: Buffer) => {
      output += text;
      if (isStopped || !output.includes(`== ${TARGET}`)) return;
      isStopped = child.kill('SIGINT');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(output).toMatch(/\d+ inputs, nothing found\s+stopped/);
    expect(code).toBe(130);
    expect(await runFoldersOf(child.pid!)).toEqual([]);
    expect(await files()).toEqual([]);
  });
});
