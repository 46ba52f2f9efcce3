import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InputError, InterruptedError } from '../../src/base/errors.js';
import { lastErrorLines, outputOf, startTool, threadOptions, toolPath } from '../../src/video/tools.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-tools-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** A program in place of ffmpeg. */
async function pretend(script: string): Promise<void> {
  const path = join(folder, 'ffmpeg');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  vi.stubEnv('FFMPEG_PATH', path);
}

it('toolPath finds programs on the PATH, or where FFMPEG_PATH and FFPROBE_PATH say', () => {
  expect([toolPath('ffmpeg'), toolPath('ffprobe')]).toEqual(['ffmpeg', 'ffprobe']);
  vi.stubEnv('FFMPEG_PATH', '/a/b');
  vi.stubEnv('FFPROBE_PATH', '');
  expect([toolPath('ffmpeg'), toolPath('ffprobe')]).toEqual(['/a/b', 'ffprobe']);
});

it('outputOf rejects with an InputError and a remedy if the program is missing', async () => {
  vi.stubEnv('PATH', folder);
  const missing = outputOf('ffmpeg', []);
  await expect(missing).rejects.toThrow(InputError);
  await expect(missing).rejects.toThrow(/the program ffmpeg, .* found none on the PATH; install ffmpeg/);
  vi.stubEnv('FFPROBE_PATH', join(folder, 'none'));
  await expect(outputOf('ffprobe', [])).rejects.toThrow(/nothing to run at .*none \(FFPROBE_PATH\)/);
});

it('outputOf passes arguments unchanged, and returns the output and the exit code', async () => {
  await pretend(`printf '%s|' "$@"; echo wrong >&2; exit 3`);
  expect(await outputOf('ffmpeg', ['a b', '$HOME', '"'])).toEqual({
    code: 3,
    stdout: 'a b|$HOME|"|',
    stderr: 'wrong',
  });
});

it('startTool throws nothing if the program ends while it is written to', async () => {
  await pretend('exit 0');
  const running = startTool('ffmpeg', []);
  running.stdin.write(Buffer.alloc(1_000_000));
  running.stdout.resume();
  expect(await running.end).toEqual({ code: 0, stderr: '' });
});

it('startTool().kill ends a running program', async () => {
  await pretend('exec sleep 600');
  const running = startTool('ffmpeg', []);
  running.stdout.resume();
  running.kill();
  expect((await running.end).code).toBeNull();
});

it('outputOf keeps the end of a long standard error, and lastErrorLines joins its last lines', async () => {
  await pretend('i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done');
  const { stderr } = await outputOf('ffmpeg', []);
  expect(stderr.length).toBeLessThanOrEqual(4096);
  expect(lastErrorLines(stderr)).toBe('line 1997 | line 1998 | line 1999');
  expect(lastErrorLines('[h264 @ 0x55d0] bad\n[h264 @ 0x55d1] bad\n\n')).toBe('bad');
  expect(lastErrorLines(' \n')).toBe('no reason given');
});

/** A program that hangs in a child of its own. @returns a function that gives the child's number once it runs. */
async function pretendToHang(): Promise<() => Promise<number>> {
  const path = join(folder, 'child');
  await pretend(`sleep 600 & echo $! > ${path}; wait`);
  return async () => {
    await vi.waitUntil(async () => (await readFile(path, 'utf8').catch(() => '')).endsWith('\n'), 600_000);
    return Number(await readFile(path, 'utf8'));
  };
}

/** Whether a process runs; one that has ended may wait for its parent (state Z). */
async function runs(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return /^State:\s+[^ZX]/m.test(status);
}

const ended = (pid: number) => vi.waitUntil(async () => !(await runs(pid)), 600_000);

it('outputOf ends a program and its children when it is interrupted', async () => {
  const child = await pretendToHang();
  const controller = new AbortController();
  const output = outputOf('ffmpeg', [], { input: 'a.mp4', signal: controller.signal });
  output.catch(() => undefined);
  const pid = await child();
  controller.abort();
  await expect(output).rejects.toThrow(InterruptedError);
  await expect(output).rejects.toThrow('stopped while ffmpeg was reading a.mp4');
  await ended(pid);
});

it('outputOf ends a program that says nothing, and one that says too much', async () => {
  const child = await pretendToHang();
  const silent = outputOf('ffmpeg', [], { input: 'a.mp4', silentSeconds: 0.5 });
  await expect(silent).rejects.toThrow(InputError);
  await expect(silent).rejects.toThrow(/ffmpeg to read a\.mp4 .* but found no word from it for 0\.5 s/);
  await ended(await child());
  await pretend('exec yes');
  await expect(outputOf('ffmpeg', [])).rejects.toThrow('more than 64 MB of statements');
});

it('programs that still run end with this process', async () => {
  const child = await pretendToHang();
  const running = startTool('ffmpeg', []);
  running.stdout.resume();
  const pid = await child();
  const atExit = process.listeners('exit').filter(({ name }) => name === 'endAll');
  expect(atExit).toHaveLength(1);
  atExit[0]!.call(process, 0);
  await ended(pid);
  expect((await running.end).code).toBeNull();
});

it('threadOptions limits ffmpeg where a quota leaves it fewer processors than it counts', async () => {
  expect(threadOptions({ root: folder, affinity: 8 })).toEqual([]);
  for (const [name, text] of [
    ['proc/self/mountinfo', '30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n'],
    ['proc/self/cgroup', '0::/\n'],
    ['sys/fs/cgroup/cpu.max', '200000 100000\n'],
  ] as const) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  expect(threadOptions({ root: folder, affinity: 8 })).toEqual(['-threads', '2']);
  expect(threadOptions({ root: folder, affinity: 2 })).toEqual([]);
});
