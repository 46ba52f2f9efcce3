import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import { translateVideoFile, type VideoProgress } from '../../src/index.js';
import { gnr, tinyTraining } from '../support/gnr.js';
import { ffmpeg, HAS_FFMPEG, lavfi, measure } from '../support/video.js';

let folder: string;
let checkpoint: string;
let input: string;
let output: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-video-file-'));
  [checkpoint, input, output] = [join(folder, 'run'), join(folder, 'in.mp4'), join(folder, 'out.mp4')];
  if (!HAS_FFMPEG) return;
  const { config } = await tinyTraining(folder);
  expect((await gnr('train', '--config', config, '--out', checkpoint, '--steps', '1')).code).toBe(0);
  const source = lavfi('testsrc2=size=98x54:rate=25:duration=0.4');
  await ffmpeg(folder, ...source, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', 'in.mp4');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!HAS_FFMPEG)('translateVideoFile', () => {
  it('translates a file in a random style, and reports progress, model and figures', async () => {
    const progress: VideoProgress[] = [];
    const models: string[] = [];
    const translation = await translateVideoFile({
      ...{ checkpoint, input, output, seed: 7 },
      onProgress: (report) => progress.push(report),
      onModel: (sha256) => models.push(sha256),
    });
    expect(translation).toMatchObject({ input, output, frames: 10, widthPx: 32, isTruncated: false });
    expect(translation.record).toMatchObject({
      model: models[0],
      direction: 'A2B',
      styles: [{ label: 'style-1' }],
    });
    expect(progress.at(-1)).toEqual({ stage: 'translating', frames: 10, totalFrames: 10 });
    expect(await measure(output)).toMatchObject({ frames: 10, width: 32 });
  });

  it('writes what gnr video writes for the same seed', async () => {
    const twin = join(folder, 'twin.mp4');
    const words = ['--checkpoint', checkpoint, '--out', twin, '--seed', '7', '--style-seconds', '0.2'];
    expect((await gnr('video', input, ...words)).code).toBe(0);
    await translateVideoFile({ checkpoint, input, output, seed: 7, styleSeconds: 0.2 });
    expect((await readFile(output)).equals(await readFile(twin))).toBe(true);
  });

  it('stops when its signal is aborted, and leaves no file', async () => {
    const controller = new AbortController();
    const path = join(folder, 'stopped.mp4');
    const stopped = translateVideoFile({
      ...{ checkpoint, input, output: path, signal: controller.signal },
      onModel: () => controller.abort(),
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect((await readdir(folder)).filter((name) => name.includes('stopped'))).toEqual([]);
  });
});

it.each([
  [{ face: 'all' }, /--paste with --face all/],
  [{ size: 33 }, /an even number/],
] as const)('translateVideoFile rejects the options %j before it opens a file', async (options, message) => {
  const attempt = translateVideoFile({ checkpoint: 'nowhere', input: 'nowhere.mp4', output, ...options });
  await expect(attempt).rejects.toThrow(message);
});
