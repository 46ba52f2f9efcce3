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

it('programs come from the PATH, or from where a variable says', () => {
  expect([toolPath('ffmpeg'), toolPath('ffprobe')]).toEqual(['ffmpeg', 'ffprobe']);
  vi.stubEnv('FFMPEG_PATH', '/a/b');
  vi.stubEnv('FFPROBE_PATH', '');
  expect([toolPath('ffmpeg'), toolPath('ffprobe')]).toEqual(['/a/b', 'ffprobe']);
});

it('a missing program is an InputError with a remedy', async () => {
  vi.stubEnv('PATH', folder);
  const missing = outputOf('ffmpeg', []);
  await expect(missing).rejects.toThrow(InputError);
  await expect(missing).rejects.toThrow(/the program ffmpeg, .* found none on the PATH; install ffmpeg/);
  vi.stubEnv('FFPROBE_PATH', join(folder, 'none'));
  await expect(outputOf('ffprobe', [])).rejects.toThrow(/nothing to run at .*none \(FFPROBE_PATH\)/);
});

it('a program gets its words as they are, and its output and end come back', async () => {
  await pretend(`printf '%s|' "$@"; echo wrong >&2; exit 3`);
  expect(await outputOf('ffmpeg', ['a b', '$HOME', '"'])).toEqual({
    code: 3,
    stdout: 'a b|$HOME|"|',
    stderr: 'wrong',
  });
});

it('a program that ends while it is written to throws nothing', async () => {
  await pretend('exit 0');
  const running = startTool('ffmpeg', []);
  running.stdin.write(Buffer.alloc(1_000_000));
  running.stdout.resume();
  expect(await running.end).toEqual({ code: 0, stderr: '' });
});

it('kill ends a program that would go on', async () => {
  await pretend('exec sleep 600');
  const running = startTool('ffmpeg', []);
  running.stdout.resume();
  running.kill();
  expect((await running.end).code).toBeNull();
});

it('only the end of long stderr is kept, and told on one line', async () => {
  await pretend('i=0; while [ $i -lt 2000 ]; do echo "line $i" >&2; i=$((i+1)); done');
  const { stderr } = await outputOf('ffmpeg', []);
  expect(stderr.length).toBeLessThanOrEqual(4096);
  expect(lastErrorLines(stderr)).toBe('line 1997 | line 1998 | line 1999');
  expect(lastErrorLines('[h264 @ 0x55d0] bad\n[h264 @ 0x55d1] bad\n\n')).toBe('bad');
  expect(lastErrorLines(' \n')).toBe('no reason given');
});
