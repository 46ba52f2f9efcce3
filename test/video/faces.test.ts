import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, InterruptedError } from '../../src/base/errors.js';
import type { DecodedImage } from '../../src/data/decode.js';
import type { FaceDetector } from '../../src/faces/detector.js';
import { type Survey, surveyFaces } from '../../src/video/face-survey.js';
import { type FaceTrajectoryOptions, faceTrajectory } from '../../src/video/face-trajectory.js';
import { probeVideo } from '../../src/video/probe.js';
import type { FaceSearch } from '../../src/video/search-plan.js';
import { ffmpeg, HAS_FFMPEG, lavfi } from '../support/video.js';

/** A light square of 60 px that goes 2 px a frame to the right; after 33 frames another scene, where it stands still. */
const SCENES = [
  ...lavfi('color=black:size=240x160:rate=25:duration=1.32'),
  ...lavfi('color=white:size=60x60:rate=25:duration=1.32'),
  ...lavfi('color=0x707070:size=240x160:rate=25:duration=0.68'),
  ...lavfi('color=white:size=60x60:rate=25:duration=0.68'),
  ...['-filter_complex', "[0][1]overlay=x='18+2*n':y=40[a];[2][3]overlay=x=100:y=80[b];[a][b]concat"],
];
const LOSSLESS = ['-c:v', 'libx264', '-qp', '0', '-preset', 'ultrafast', '-pix_fmt', 'yuv444p'];

/** Takes what is white for a face. */
const whiteDetector: FaceDetector = {
  async find({ data, width, height }: DecodedImage) {
    let [left, top, right, bottom] = [width, height, 0, 0];
    for (let i = 0; i < width * height; i++) {
      if (data[3 * i]! < 200) continue;
      const [x, y] = [i % width, Math.floor(i / width)];
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + 1), Math.max(bottom, y + 1)];
    }
    return right === 0 ? [] : [{ left, top, width: right - left, height: bottom - top, score: 1 }];
  },
  dispose: () => undefined,
};

/** An ffmpeg without anything special. */
const PLAIN = { filters: new Set<string>(), decoders: new Set<string>() };

let folder: string;
let scenes: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-video-faces-'));
  if (HAS_FFMPEG) scenes = await ffmpeg(folder, ...SCENES, ...LOSSLESS, 'scenes.mkv');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function survey(
  input: string,
  more: { signal?: AbortSignal; search?: FaceSearch } = {},
): Promise<Survey> {
  return surveyFaces({
    input,
    ffmpeg: PLAIN,
    info: await probeVideo(input),
    detector: whiteDetector,
    ...more,
  });
}

describe.skipIf(!HAS_FFMPEG)('surveyFaces', () => {
  it('detects faces five times a second, and after every cut', async () => {
    const { sightings, frames } = await survey(scenes);
    expect(frames).toBe(50);
    expect(sightings.map(({ frame, shot }) => [frame, shot])).toEqual([
      ...[0, 5, 10, 15, 20, 25, 30].map((frame) => [frame, 0]),
      ...[33, 38, 43, 48].map((frame) => [frame, 1]),
    ]);
    for (const { frame, faces } of sightings)
      expect(faces).toEqual([
        frame < 33
          ? // Versions of ffmpeg number the frames of overlay from 0 or from 1.
            { left: expect.closeTo(19 + 2 * frame, -0.7), top: 40, width: 60, height: 60, score: 1 }
          : { left: 100, top: 80, width: 60, height: 60, score: 1 },
      ]);
  });

  it('looks as seldom as it is asked to', async () => {
    const { sightings, frames } = await survey(scenes, { search: { stride: 20, keyFramesOnly: false } });
    expect(frames).toBe(50);
    expect(sightings.map(({ frame }) => frame)).toEqual([0, 20, 33]);
  });

  it('looks at key frames alone, at their places in the video, and knows how many frames there are', async () => {
    const words = ['-i', scenes, '-c:v', 'libx264', '-qp', '0', '-pix_fmt', 'yuv444p', '-bf', '2'];
    const keyed = await ffmpeg(folder, ...words, '-g', '8', '-sc_threshold', '0', 'keyed.mp4');
    const dense = await survey(keyed);
    const { sightings, frames, frameExtent } = await survey(keyed, {
      search: { stride: 10, keyFramesOnly: true },
    });
    expect([frames, frameExtent]).toEqual([50, dense.frameExtent]);
    expect(sightings.map(({ frame, shot }) => [frame, shot])).toEqual(
      [0, 16, 32, 48].map((frame) => [frame, 0]),
    );
    for (const { frame, faces } of sightings)
      expect(faces[0]!.left).toBeCloseTo(frame < 33 ? 19 + 2 * frame : 100, -0.7);
  });

  it('recognises cuts between dark scenes', async () => {
    const scene = (colour: string) => lavfi(`color=${colour}:size=240x160:rate=25:duration=0.6`);
    const dark = await ffmpeg(
      folder,
      ...[...scene('0x101010'), ...scene('0x303030')],
      ...['-filter_complex', '[0][1]concat', ...LOSSLESS, 'dark.mkv'],
    );
    const { sightings } = await survey(dark);
    expect(sightings.map(({ frame, shot }) => [frame, shot])).toEqual([
      ...[0, 5, 10].map((frame) => [frame, 0]),
      ...[15, 20, 25].map((frame) => [frame, 1]),
    ]);
  });

  it('does not mistake constant noise for cuts', async () => {
    const noise = lavfi('color=0x707070:size=240x160:rate=25:duration=1,noise=alls=100:allf=t');
    const { sightings } = await survey(await ffmpeg(folder, ...noise, ...LOSSLESS, 'noise.mkv'));
    // From the first frame to the second it might be one.
    expect(sightings.map(({ frame, shot }) => [frame, shot])).toEqual([
      [0, 0],
      ...[2, 7, 12, 17, 22].map((frame) => [frame, 1]),
    ]);
  });

  it('gives places in the upright video, whatever its size and rotation', async () => {
    const words = ['-vf', 'scale=1440:960:flags=neighbor', '-frames:v', '1', ...LOSSLESS];
    const large = await ffmpeg(folder, '-i', scenes, ...words, 'large.mp4');

    const turned = await ffmpeg(
      folder,
      '-i',
      large,
      '-c',
      'copy',
      '-metadata:s:v',
      'rotate=90',
      'turned.mp4',
    );
    const [upright] = (await survey(large)).sightings[0]!.faces;
    for (const [key, value] of Object.entries({ left: 120, top: 240, width: 360, height: 360 }))
      expect(Math.abs(upright![key as 'left'] - value)).toBeLessThan(6);
    const [face] = (await survey(turned)).sightings[0]!.faces;
    // A quarter to the left: what was on the left is at the bottom.
    for (const [key, value] of Object.entries({ left: 240, top: 1440 - 480, width: 360, height: 360 }))
      expect(Math.abs(face![key as 'left'] - value)).toBeLessThan(6);
    const keyFrames = await survey(turned, { search: { stride: 5, keyFramesOnly: true } });
    expect(keyFrames.sightings[0]!.faces).toEqual([face]);
  });

  it('stops when its signal is aborted', async () => {
    await expect(survey(scenes, { signal: AbortSignal.abort() })).rejects.toThrow(InterruptedError);
  });

  it('names a video that cannot be decoded', async () => {
    const info = await probeVideo(scenes);
    const broken = join(folder, 'broken.mkv');
    await writeFile(broken, (await readFile(scenes)).subarray(0, 900));
    const attempt = surveyFaces({ input: broken, ffmpeg: PLAIN, info, detector: whiteDetector });
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(/can be decoded at .*broken\.mkv but found no frame/);
  });
});

describe('faceTrajectory', () => {
  const face = (x: number, side: number) => ({
    ...{ left: x - side / 2, top: 100 - side / 2, width: side, height: side },
    score: 1,
  });
  const seen: Survey = {
    ...{ frames: 50, framesPerSecond: 25, frameExtent: { width: 400, height: 200 } },
    sightings: Array.from({ length: 10 }, (_, i) => ({
      ...{ frame: 5 * i, shot: 0 },
      faces: [face(100, 80), ...(i >= 4 ? [face(300, 40)] : [])],
    })),
  };
  const trajectory = (more: Partial<FaceTrajectoryOptions> = {}) =>
    faceTrajectory(seen, {
      ...{ mode: 'largest', margin: 0.5, paste: false, modelPx: 64 },
      ...more,
    })!;

  it('is one square for every frame, of frames no larger than they need to be', () => {
    const { squaresAt, extent, faces, part } = trajectory();
    // The face of 80 px at x = 100 has a square of 160 px; the other is smaller.
    expect([part, faces]).toEqual([
      { left: 16, top: 0, width: 176, height: 176, whole: { width: 400, height: 200 } },
      1,
    ]);
    expect(extent).toEqual({ width: 141, height: 141 });
    for (const frame of [0, 17, 49]) {
      const [square, ...others] = squaresAt(frame);
      expect([square!.side, others]).toEqual([expect.closeTo(128, -0.7), []]);
      expect(square!.left + square!.side / 2).toBeCloseTo((100 - 16) * 0.8, -0.7);
    }
    // They are not enlarged.
    expect(trajectory({ modelPx: 256 }).extent).toEqual({ width: 176, height: 176 });
  });

  it('gives the squares of all faces for pasting, the largest last', () => {
    const { squaresAt, extent, faces, isPasted } = trajectory({ mode: 'all', paste: true });
    expect([extent, faces, isPasted]).toEqual([{ width: 400, height: 200 }, 2, true]);
    expect(squaresAt(5).map(({ side }) => Math.round(side))).toEqual([160]);
    expect(squaresAt(40).map(({ side }) => Math.round(side))).toEqual([80, 160]);
    expect(trajectory({ paste: true }).squaresAt(40).length).toBe(1);
  });

  it('is undefined without faces, or the centre of the frame for pasting', () => {
    const nobody = { ...seen, frames: 10, sightings: [{ frame: 0, shot: 0, faces: [] }] };
    const options: FaceTrajectoryOptions = { mode: 'largest', margin: 0.5, paste: false, modelPx: 64 };
    expect(faceTrajectory(nobody, options)).toBeUndefined();
    // What goes back is the centre then.
    const centre = faceTrajectory(nobody, { ...options, paste: true })!;
    expect([centre.faces, centre.extent, centre.squaresAt(3)]).toEqual([
      0,
      { width: 400, height: 200 },
      [{ left: 100, top: 0, side: 200 }],
    ]);
  });
});
