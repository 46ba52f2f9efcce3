import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { InputError, InterruptedError, RunError } from '../../src/base/errors.js';
import { freeUnusedMemory } from '../../src/base/malloc-trim.js';
import type { Architecture } from '../../src/model/architecture.js';
import type { Translator } from '../../src/translate/translator.js';
import { containerOf } from '../../src/video/containers.js';
import { withFrameTimes } from '../../src/video/frame-times.js';
import { planVideo } from '../../src/video/plan.js';
import { probeVideo } from '../../src/video/probe.js';
import { planSound } from '../../src/video/sound.js';
import { constantStyles } from '../../src/video/style-schedule.js';
import { type Ffmpeg, readFfmpeg } from '../../src/video/tools.js';
import {
  type TranslatedVideo,
  type TranslateVideoOptions,
  translateVideo,
} from '../../src/video/translate-video.js';
import { ffmpeg, HAS_FFMPEG, lavfi, measure } from '../support/video.js';

const SIZE = 32;

/** Adds the style's first number to every channel: the output shows what the input was. */
class Brightener implements Translator {
  readonly architecture = { size: SIZE, latentDim: 1 } as Architecture;
  readonly batches: number[] = [];

  encode(direction: 'A2B' | 'B2A', pictures: Float32Array) {
    const count = pictures.length / (SIZE * SIZE * 3);
    this.batches.push(count);
    return { direction, count, codes: pictures };
  }
  decode({ count, codes }: { count: number; codes: Float32Array }, styles: Float32Array): Float32Array {
    expect(styles.length).toBe(count);
    const length = codes.length / count;
    return codes.map((value, i) => value + styles[Math.floor(i / length)]!);
  }
  styleOf(): Float32Array {
    throw new Error('not needed');
  }
  translate(): Float32Array {
    throw new Error('not needed');
  }
  dispose(): void {}
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
let shared: string;
let sound: string;
let folder: string;
let output: string;
let installed: Ffmpeg;
beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-video-shared-'));
  if (!HAS_FFMPEG) return;
  installed = await readFfmpeg();
  const sources = [...lavfi('testsrc2=size=98x54:rate=30000/1001:duration=1'), ...lavfi('sine=duration=1')];
  sound = await ffmpeg(shared, ...sources, ...X264, '-c:a', 'aac', '-movflags', '+faststart', 'sound.mp4');
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-video-'));
  output = join(folder, 'out.mp4');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

interface Made extends TranslatedVideo {
  translator: Brightener;
}

async function translate(
  input: string,
  { to = output, ...more }: Partial<TranslateVideoOptions> & { to?: string; outputPx?: number } = {},
): Promise<Made> {
  const translator = new Brightener();
  const info = await withFrameTimes(await probeVideo(input), input);
  const { encoders } = installed;
  const plan = planVideo(info, {
    input,
    output: to,
    modelPx: SIZE,
    cells: more.mosaic ? 3 : 1,
    outputPx: more.outputPx,
    whole: more.faces?.extent,
    isPasted: more.faces?.isPasted === true,
    ffmpeg: installed,
    sound: await planSound(info, { input, container: containerOf(to), encoders }),
  });
  const schedule = constantStyles([Float32Array.of(0)]);
  const result = await translateVideo({
    ...{ translator, direction: 'A2B', plan, input, output: to, schedule, mosaic: false },
    ...more,
  });
  return { ...result, translator };
}

/** Red, green and blue of one point of a video's first frame. */
async function colourAt(path: string, x: number, y: number): Promise<number[]> {
  const raw = await ffmpeg(
    folder,
    '-i',
    path,
    '-frames:v',
    '1',
    '-pix_fmt',
    'rgb24',
    '-f',
    'rawvideo',
    'raw',
  );
  const { width } = await measure(path);
  const bytes = await readFile(raw);
  return [...bytes.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

const near = (found: number[], expected: number[]): void => {
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(25);
};
const only = async (): Promise<string[]> => (await readdir(folder)).sort();

describe.skipIf(!HAS_FFMPEG)('faces in translateVideo', () => {
  const SCENE = 'color=0x205080:size=160x100:rate=25:duration=0.4,drawbox=100:20:40:40:0x805020:fill';
  const extent = { width: 160, height: 100 };
  const square = { left: 100, top: 20, side: 40 };
  const bright = { schedule: constantStyles([Float32Array.of(0.5)]) };

  it('are cropped and translated alone if they are not pasted', async () => {
    const scene = await ffmpeg(folder, ...lavfi(SCENE), ...X264, 'scene.mp4');
    const faces = { extent, isPasted: false, faces: 1, squaresAt: () => [square] };
    const { frames, change } = await translate(scene, { faces, ...bright });
    expect(await measure(output)).toMatchObject({ frames: 10, width: SIZE, height: SIZE });
    near(await colourAt(output, 16, 16), [0x80 + 64, 0x50 + 64, 0x20 + 64]);
    expect(frames).toBe(10);
    expect([change.input, change.output]).toEqual([expect.closeTo(0, 2), expect.closeTo(0, 2)]);
  });

  it('are pasted into their frames, with none, one or several in a frame', async () => {
    const scene = await ffmpeg(folder, ...lavfi(SCENE), ...X264, 'scene.mp4');
    const other = { left: 10, top: 50, side: 30 };
    const squaresAt = (frame: number) => (frame < 3 ? [] : frame < 5 ? [square] : [other, square]);
    const faces = { extent, isPasted: true, faces: 2, squaresAt };
    const { translator, frames } = await translate(scene, { faces, ...bright });
    expect(await measure(output)).toMatchObject({ frames: 10, width: 160, height: 100 });
    // Of the first eight frames, and of the last two.
    expect([frames, translator.batches]).toEqual([10, [2 + 3 * 2, 2 * 2]]);
    near(await colourAt(output, 120, 40), [0x80, 0x50, 0x20]);
    const last = await ffmpeg(folder, '-ss', '0.3', '-i', output, ...X264, '-crf', '5', 'last.mp4');
    near(await colourAt(last, 120, 40), [0x80 + 64, 0x50 + 64, 0x20 + 64]);
    near(await colourAt(last, 25, 65), [0x20 + 64, 0x50 + 64, 0x80 + 64]);
    near(await colourAt(last, 60, 20), [0x20, 0x50, 0x80]);
  });

  it('are pasted into videos with odd sides', async () => {
    const odd = await ffmpeg(
      folder,
      ...lavfi('testsrc2=size=99x55:rate=25:duration=0.2'),
      '-c:v',
      'ffv1',
      'odd.mkv',
    );
    const faces = {
      ...{ extent: { width: 100, height: 56 }, isPasted: true, faces: 1 },
      squaresAt: () => [{ left: 10, top: 10, side: 20 }],
    };
    await translate(odd, { faces });
    expect(await measure(output)).toMatchObject({ frames: 5, width: 100, height: 56 });
  });
});

describe.skipIf(!HAS_FFMPEG)('translateVideo', () => {
  it('keeps frames, rate, duration and sound, in batches with a smaller last one', async () => {
    const seen: number[] = [];
    const { frames, translator, decoderErrors, isTruncated } = await translate(sound, {
      onProgress: (done) => seen.push(done),
    });
    expect({ frames, decoderErrors, isTruncated }).toEqual({
      frames: 30,
      decoderErrors: null,
      isTruncated: false,
    });
    expect(translator.batches).toEqual([8, 8, 8, 6]);
    expect(seen).toEqual([8, 16, 24, 30]);
    const [before, after] = await Promise.all([sound, output].map(measure));
    expect(after).toMatchObject({
      frames: 30,
      rate: '30000/1001',
      audio: ['aac'],
      width: SIZE,
      height: SIZE,
    });
    expect(Math.abs(after!.seconds - before!.seconds)).toBeLessThan(1 / 29);
    expect(await only()).toEqual(['out.mp4']);
  });

  it('measures the change between frames: equal for an identity, zero for constant output', async () => {
    const same = (await translate(sound)).change;
    expect(same.input).toBeGreaterThan(0);
    expect(same.output! / same.input!).toBeCloseTo(1, 1);
    const white = await translate(sound, { schedule: constantStyles([Float32Array.of(2)]) });
    expect(white.change.output).toBe(0);
  });

  it('preserves colours, and scales to the requested size', async () => {
    const halves = 'color=red:size=60x40:rate=5:duration=0.4,drawbox=x=iw/2:w=iw/2:color=blue:t=fill';
    const input = await ffmpeg(folder, ...lavfi(halves), '-c:v', 'ffv1', '-pix_fmt', 'bgr0', 'halves.mkv');
    await translate(input, { outputPx: 80 });
    expect(await measure(output)).toMatchObject({ width: 80, height: 80 });
    near(await colourAt(output, 10, 40), [255, 0, 0]);
    near(await colourAt(output, 70, 40), [0, 0, 255]);
  });

  it('rotates frames upright', async () => {
    const halves = 'color=red:size=64x64:rate=5:duration=0.4,drawbox=x=iw/2:w=iw/2:color=blue:t=fill';
    const plain = await ffmpeg(folder, ...lavfi(halves), ...X264, 'plain.mp4');
    const words = ['-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90'];
    const turned = await ffmpeg(folder, ...words, 'turned.mp4');
    // As players show it, the halves are above each other; which is above depends on ffmpeg's version.
    const [above, below] = [await colourAt(turned, 32, 8), await colourAt(turned, 32, 56)];
    expect(Math.abs(above![0]! - below![0]!)).toBeGreaterThan(200);
    await translate(turned);
    const [red, blue] = above![0]! > 128 ? [4, 27] : [27, 4];
    near(await colourAt(output, 16, red), [255, 0, 0]);
    near(await colourAt(output, 16, blue), [0, 0, 255]);
  });

  it('crops to a square as players show it if pixels are not square', async () => {
    // Pixels twice as wide as high: the middle square is 32 of 64 columns, and the bars left and right go.
    const bars = 'color=red:size=64x64:rate=5:duration=0.4,drawbox=x=16:w=32:color=blue:t=fill,setsar=2/1';
    await translate(await ffmpeg(folder, ...lavfi(bars), ...X264, 'wide.mp4'));
    near(await colourAt(output, 3, 16), [0, 0, 255]);
    near(await colourAt(output, 28, 16), [0, 0, 255]);
  });

  it.each([
    ['odd sizes without sound', lavfi('testsrc2=size=51x37:rate=10:duration=0.5'), 5],
    ['one frame', lavfi('testsrc2=size=64x64:rate=10:duration=0.1'), 1],
  ])('translates a video of %s', async (_, source, frames) => {
    const input = await ffmpeg(folder, ...source, '-c:v', 'ffv1', '-pix_fmt', 'bgr0', 'in.mkv');
    expect(await translate(input)).toMatchObject({ frames, isTruncated: false });
    expect(await measure(output)).toMatchObject({ frames, audio: [] });
  });

  it('keeps the number of frames and the duration of a video with irregular frames', async () => {
    const some = ['-vf', "select='if(lt(t,1),1,not(mod(n,5)))'", '-vsync', 'vfr'];
    const source = lavfi('testsrc2=size=64x48:rate=30:duration=2');
    const input = await ffmpeg(folder, ...source, ...some, ...X264, 'vfr.mp4');
    await translate(input);
    const [before, after] = await Promise.all([input, output].map(measure));
    expect(Math.abs(after!.frames - before!.frames)).toBeLessThanOrEqual(1);
    expect(Math.abs(after!.seconds - before!.seconds)).toBeLessThan(after!.seconds / after!.frames);
  });

  it('re-encodes sound that the container does not accept', async () => {
    const to = join(folder, 'out.webm');
    await translate(sound, { to });
    expect(await measure(to)).toMatchObject({ frames: 30, audio: ['opus'] });
  });

  it('composes a mosaic with the original in the middle', async () => {
    const grey = 'color=0x808080:size=64x64:rate=5:duration=0.4';
    const input = await ffmpeg(folder, ...lavfi(grey), '-c:v', 'ffv1', '-pix_fmt', 'bgr0', 'grey.mkv');
    const codes = Array.from({ length: 8 }, (_, i) => Float32Array.of(i < 4 ? -2 : 2));
    const { frames } = await translate(input, { mosaic: true, schedule: constantStyles(codes) });
    expect(frames).toBe(2);
    expect(await measure(output)).toMatchObject({ width: 96, height: 96 });
    near(await colourAt(output, 48, 48), [128, 128, 128]);
    near(await colourAt(output, 48, 16), [0, 0, 0]);
    near(await colourAt(output, 80, 48), [255, 255, 255]);
  });

  it('writes the decodable frames of a truncated file, and reports the truncation', async () => {
    const cut = await ffmpeg(folder, '-i', sound, '-c', 'copy', '-movflags', '+faststart', 'cut.mp4');
    await truncate(cut, Math.floor((await stat(cut)).size * 0.6));
    const { frames, isTruncated, decoderErrors } = await translate(cut);
    expect(isTruncated).toBe(true);
    expect(decoderErrors).not.toBeNull();
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThan(28);
    expect((await measure(output)).frames).toBe(frames);
  });

  it('rejects a file that has lost its index, with the reason', async () => {
    const cut = await ffmpeg(folder, '-i', sound, '-c', 'copy', 'cut.mp4');
    await truncate(cut, Math.floor((await stat(cut)).size * 0.6));
    await expect(translate(cut)).rejects.toThrow(/a file that ffprobe cannot read \(moov atom not found/);
  });

  it('rejects a file that is not a video', async () => {
    const text = join(folder, 'text.mp4');
    await writeFile(text, 'no video at all');
    await expect(translate(text)).rejects.toThrow(InputError);
  });

  it('rejects an image, and points to gnr translate', async () => {
    const picture = await ffmpeg(folder, '-i', sound, '-frames:v', '1', 'picture.png');
    await expect(translate(picture)).rejects.toThrow(/an image, a list of files.*gnr translate takes images/);
  });

  it('keeps an earlier file if it is interrupted', async () => {
    await writeFile(output, 'mine');
    const controller = new AbortController();
    const stopped = translate(sound, {
      signal: controller.signal,
      batch: 2,
      onProgress: (frames) => {
        if (frames >= 6) controller.abort();
      },
    });
    await expect(stopped).rejects.toThrow(InterruptedError);
    await expect(stopped).rejects.toThrow(/stopped after 6 of 30 frames; .*out\.mp4 was not written/);
    expect(await readFile(output, 'utf8')).toBe('mine');
    expect(await only()).toEqual(['out.mp4']);
  });

  it('keeps an earlier file if the network fails', async () => {
    await writeFile(output, 'mine');
    const broken = vi.spyOn(Brightener.prototype, 'decode').mockImplementation(() => {
      throw new Error('out of memory');
    });
    await expect(translate(sound)).rejects.toThrow('out of memory');
    broken.mockRestore();
    expect(await readFile(output, 'utf8')).toBe('mine');
    expect(await only()).toEqual(['out.mp4']);
  });

  it('keeps an earlier file if the encoder fails, and reports its error', async () => {
    await writeFile(output, 'mine');
    const plan = planVideo(await probeVideo(sound), {
      ...{ input: sound, output, modelPx: SIZE, cells: 1, ffmpeg: installed },
    });
    const wrong = {
      ...plan,
      encoderArgs: (target: string) => [...plan.encoderArgs(target).slice(0, -2), 'x', target],
    };
    const failing = translate(sound, { plan: wrong });
    await expect(failing).rejects.toThrow(RunError);
    await expect(failing).rejects.toThrow(/Cannot write .*out\.mp4: ffmpeg stopped .*kept/);
    expect(await readFile(output, 'utf8')).toBe('mine');
    expect(await only()).toEqual(['out.mp4']);
  });

  it('rejects an output path that is a folder', async () => {
    await mkdir(output);
    await expect(translate(sound)).rejects.toThrow(/the name of a file but found the folder .*out\.mp4/);
  });

  it('rejects an output path that is its own input', async () => {
    const input = await ffmpeg(folder, '-i', sound, '-c', 'copy', 'out.mp4');
    const before = await readFile(input);
    await expect(translate(input)).rejects.toThrow(/--out to be another file than the input/);
    expect((await readFile(input)).equals(before)).toBe(true);
  });

  it('holds only the frames of its batches in memory, however long the video is', async () => {
    const source = lavfi('color=gray:size=32x32:rate=100:duration=30');
    const input = await ffmpeg(folder, ...source, ...X264, 'long.mp4');
    const held: number[] = [];
    const { frames } = await translate(input, {
      onProgress: (done) => {
        if (done % 1000 !== 0) return;
        freeUnusedMemory();
        held.push(process.memoryUsage().arrayBuffers);
      },
    });
    expect([frames, held.length]).toEqual([3000, 3]);
    // Two thousand frames of bytes alone are 6 MB.
    expect(held[2]! - held[0]!).toBeLessThan(4e6);
  });
});
