import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listKeyFrames, parseKeyFrames } from '../../src/video/key-frames.js';
import { probeVideo } from '../../src/video/probe.js';
import { ffmpeg, HAS_FFMPEG, lavfi } from '../support/video.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-key-frames-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('key frames are numbered from the beginning of the video, and packets without times or to be discarded have no number', () => {
  // ffprobe's line of each packet; frames that refer to later ones come out of order.
  const lines = ['1.960000,KD_', '2.000000,K__', '2.120000,__', '2.040000,__', 'N/A,K__', '3.000000,K_', ''];
  expect(parseKeyFrames(lines.join('\n'), 2, 25)).toEqual({ frames: [0, 25], total: 26 });
  expect(parseKeyFrames('', 0, 25)).toEqual({ frames: [], total: 0 });
});

it.skipIf(!HAS_FFMPEG)('the key frames of a file are listed with the number of its frames', async () => {
  const path = await ffmpeg(
    folder,
    ...lavfi('testsrc2=size=64x64:rate=25:duration=2'),
    ...['-c:v', 'libx264', '-g', '20', '-sc_threshold', '0', '-pix_fmt', 'yuv420p', 'keys.mp4'],
  );
  expect(await listKeyFrames(path, await probeVideo(path), 25)).toEqual({ frames: [0, 20, 40], total: 50 });
});

it.skipIf(!HAS_FFMPEG)('a file without times has no list', async () => {
  const path = await ffmpeg(
    folder,
    ...lavfi('testsrc2=size=64x64:rate=25:duration=1'),
    ...['-c:v', 'libx264', '-bf', '0', '-pix_fmt', 'yuv420p', 'raw.h264'],
  );
  expect(await listKeyFrames(path, await probeVideo(path), 25)).toBeUndefined();
});
