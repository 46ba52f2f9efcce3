import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../src/base/errors.js';
import {
  excessiveSize,
  inputFile,
  parseClock,
  parseProbe,
  parseRational,
  probeVideo,
} from '../../src/video/probe.js';
import { ffmpeg, HAS_FFMPEG, lavfi } from '../support/video.js';

const VIDEO = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 854,
  height: 480,
  pix_fmt: 'yuv420p',
  color_space: 'bt709',
  color_transfer: 'unknown',
  field_order: 'progressive',
  r_frame_rate: '30/1',
  avg_frame_rate: '30000/1001',
  start_time: '0.5',
  duration: '20.02',
  nb_frames: '600',
};
const AUDIO = { index: 1, codec_type: 'audio', codec_name: 'aac', start_time: '0.0' };
const probed = (streams: object[], format: object = { format_name: 'mov,mp4,m4a', start_time: '0.0' }) =>
  parseProbe(JSON.stringify({ streams, format }));

describe('parseProbe', () => {
  it('reads extent, rates, duration, frames and sound', () => {
    expect(probed([VIDEO, AUDIO])).toEqual({
      index: 0,
      codec: 'h264',
      colour: { samples: 'yuv420p', matrix: 'bt709', transfer: undefined, primaries: undefined },
      isInterlaced: false,
      hasHiddenAlpha: false,
      frameSeconds: undefined,
      extent: { width: 854, height: 480 },
      pixelRatio: 1,
      averageRate: { numerator: 30000, denominator: 1001 },
      baseRate: { numerator: 30, denominator: 1 },
      seconds: 20.02,
      frames: 600,
      startSeconds: 0.5,
      fileStartSeconds: 0,
      audio: [{ index: 1, codec: 'aac', startSeconds: 0 }],
      others: [],
      chapters: 0,
    });
  });

  it.each([
    ['wide pixels', { sample_aspect_ratio: '4:3' }, [1139, 480]],
    ['an unknown pixel aspect ratio', { sample_aspect_ratio: '0:1' }, [854, 480]],
    ['a quarter turn', { side_data_list: [{}, { rotation: -90 }] }, [480, 854]],
    ['half a turn', { side_data_list: [{ rotation: 180 }] }, [854, 480]],
    [
      'wide pixels and a rotation',
      { sample_aspect_ratio: '1:2', side_data_list: [{ rotation: 270 }] },
      [480, 427],
    ],
  ])('gives the size of upright frames for a video with %s', (_, more, [width, height]) => {
    expect(probed([{ ...VIDEO, ...more }])?.extent).toEqual({ width, height });
  });

  it('chooses the first video stream, whatever else is in the file', () => {
    const cover = { ...VIDEO, index: 0, codec_name: 'mjpeg', disposition: { attached_pic: 1 } };
    const data = { index: 1, codec_type: 'data' };
    const video = { ...VIDEO, index: 2 };
    const silent = { index: 3, codec_type: 'audio' };
    const info = probed([cover, data, video, silent, { ...AUDIO, index: 4 }, { ...AUDIO, index: 5 }]);
    expect(info).toMatchObject({ index: 2 });
    expect(info?.audio.map(({ index, codec }) => [index, codec])).toEqual([
      [3, undefined],
      [4, 'aac'],
      [5, 'aac'],
    ]);
    expect(info?.others.map(({ kind }) => kind)).toEqual(['cover image', 'data']);
  });

  it.each([
    ['sound alone', [AUDIO], { format_name: 'mp3' }],
    ['a cover', [{ ...VIDEO, disposition: { attached_pic: 1 } }], { format_name: 'mp3' }],
    ['an image', [VIDEO], { format_name: 'png_pipe' }],
    ['an image that only its demuxer reveals', [VIDEO], { format_name: 'image2' }],
    ['an empty list of streams', [], {}],
  ])('finds no video in %s', (_, streams, format) => {
    expect(probed(streams, format)).toBeUndefined();
  });

  it('has no duration if the file has none, and reads the DURATION tag of Matroska', () => {
    const { duration: _, nb_frames: __, ...bare } = VIDEO;
    expect(probed([bare])).toMatchObject({ seconds: undefined, frames: undefined });
    const tagged = { ...bare, tags: { DURATION: '00:01:20.500000000' } };
    expect(probed([tagged])?.seconds).toBeCloseTo(80, 9);
  });
});

it.each([
  ['30000/1001', { numerator: 30000, denominator: 1001 }],
  ['0/0', undefined],
  ['0:1', undefined],
  ['N/A', undefined],
  [undefined, undefined],
])('parseRational reads %s', (text, expected) => expect(parseRational(text)).toEqual(expected));

it.each([
  ['01:02:03.5', 3723.5],
  ['00:00:00.000', undefined],
  ['3723', undefined],
])('parseClock reads %s', (text, expected) => expect(parseClock(text)).toEqual(expected));

it.each<[string, string | undefined, number, number, number]>([
  ['a large video', undefined, 16384, 8640, 1],
  ['an anamorphic video', undefined, 2048, 858, 2],
  [
    'a pixel of 32767:1',
    'frames of 62912640 x 1080 px, by pixels that are 32800 times as wide as high',
    62912640,
    1080,
    32767,
  ],
  [
    'a pixel of 1:1000',
    'frames of 2 x 1080 px, by pixels that are 0.001 times as wide as high',
    2,
    1080,
    0.001,
  ],
  ['frames beyond every codec', 'frames of 20000 x 4 px', 20000, 4, 1],
])('excessiveSize decides on %s', (_, expected, width, height, pixelRatio) =>
  expect(excessiveSize({ extent: { width, height }, pixelRatio })).toBe(expected),
);

describe('probeVideo', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gnr-probe-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['a missing file', async () => {}, /a video at .*video\.mp4 but found nothing; check the path/],
    ['a folder', (path) => mkdir(path), /but found a folder; name a file/],
    ['an empty file', (path) => writeFile(path, ''), /but found an empty file/],
  ])('rejects %s, even without ffprobe', async (_, make, message) => {
    const path = join(folder, 'video.mp4');
    await make(path);
    await expect(probeVideo(path)).rejects.toThrow(message);
  });

  it.skipIf(!HAS_FFMPEG)('rejects frames that a wrong shape of pixels would make huge', async () => {
    const path = await ffmpeg(
      folder,
      ...lavfi('testsrc=size=64x48:rate=5:duration=1'),
      '-aspect',
      '2000:1',
      'wide.mp4',
    );
    await expect(probeVideo(path)).rejects.toThrow(
      /but found frames of 12240 x 48 px, by pixels that are 191 times as wide as high; .* -aspect 16:9/,
    );
  });

  it.skipIf(!HAS_FFMPEG)('ends ffprobe when it is interrupted', async () => {
    const path = await ffmpeg(folder, ...lavfi('testsrc=size=64x48:rate=5:duration=1'), 'video.mp4');
    await expect(probeVideo(path, AbortSignal.abort())).rejects.toThrow(InterruptedError);
  });

  it.skipIf(!HAS_FFMPEG)('opens no file that another file lists, whatever its name', async () => {
    await ffmpeg(folder, ...lavfi('testsrc=size=64x64:rate=5:duration=1'), 'secret.mp4');
    await ffmpeg(folder, ...lavfi('testsrc=size=64x64:rate=5:duration=1'), 'part.ts');
    expect(await probeVideo(join(folder, 'secret.mp4'))).toMatchObject({ seconds: expect.any(Number) });
    expect(await probeVideo(join(folder, 'part.ts'))).toMatchObject({ seconds: expect.any(Number) });
    const path = join(folder, 'me.mp4');
    for (const list of [
      'ffconcat version 1.0\nfile secret.mp4\n',
      '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n',
    ]) {
      await writeFile(path, list);
      await expect(probeVideo(path)).rejects.toThrow(/a list of files/);
      await expect(ffmpeg(folder, ...inputFile(path), '-f', 'null', '-')).rejects.toThrow();
    }
  });
});
