import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { lastErrorLines, outputOf, startTool, toolPath } from '../../src/video/tools.js';

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
