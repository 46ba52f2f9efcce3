import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Architecture } from '../../src/model/architecture.js';
import type { Translator } from '../../src/translate/translator.js';
import { containerOf } from '../../src/video/containers.js';
import { constantRate, growingTimes, withFrameTimes } from '../../src/video/frame-times.js';
import { planVideo, type VideoPlan } from '../../src/video/plan.js';
import { probeVideo } from '../../src/video/probe.js';
import { planSound } from '../../src/video/sound.js';
import { constantStyles } from '../../src/video/style-schedule.js';
import { type Ffmpeg, readFfmpeg } from '../../src/video/tools.js';
import { translateVideo } from '../../src/video/translate-video.js';
import { ffmpeg, HAS_FFMPEG, lavfi } from '../support/video.js';

const run = promisify(execFile);
const SIZE = 64;
const FIXTURES = fileURLToPath(new URL('../fixtures/video', import.meta.url));

/** A network that changes nothing: what comes out is what ffmpeg made of the input. */
const unchanged: Translator = {
  architecture: { size: SIZE, latentDim: 1 } as Architecture,
  encode: (direction, images) => ({ direction, count: images.length / (SIZE * SIZE * 3), codes: images }),
  decode: ({ codes }) => codes as unknown as Float32Array,
  styleOf: () => Float32Array.of(0),
  translate: (_direction, images) => images,
  dispose: () => undefined,
};

let folder: string;
let installed: Ffmpeg;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-video-field-'));
  if (HAS_FFMPEG) installed = await readFfmpeg();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function translated(input: string, name: string): Promise<{ path: string; plan: VideoPlan }> {
  const output = join(folder, name);
  const info = await withFrameTimes(await probeVideo(input), input);
  const sound = await planSound(info, {
    ...{ input, container: containerOf(output), encoders: installed.encoders },
  });
  const plan = planVideo(info, { input, output, modelPx: SIZE, cells: 1, ffmpeg: installed, sound });
  const schedule = constantStyles([Float32Array.of(0)]);
  await translateVideo({
    ...{ translator: unchanged, direction: 'A2B', plan, input, output, schedule, mosaic: false },
  });
  return { path: output, plan };
}

/** The times of a video's frames, seconds, as a decoder gives them. */
async function timesOf(path: string): Promise<number[]> {
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-select_streams', 'v:0', '-show_entries', 'frame=best_effort_timestamp_time'],
    ...['-of', 'csv=p=0', path],
  ]);
  return stdout.split('\n').filter(Boolean).map(Number.parseFloat);
}

/** Red, green and blue of a point of the first frame, 0 to 1 across and down. */
async function colourAt(path: string, across = 0.5, down = 0.5): Promise<number[]> {
  const raw = await ffmpeg(
    folder,
    '-i',
    path,
    '-frames:v',
    '1',
    '-vf',
    `scale=${SIZE}:${SIZE}:flags=accurate_rnd+full_chroma_int`,
    '-pix_fmt',
    'rgb24',
    '-f',
    'rawvideo',
    'raw',
  );
  const bytes = await readFile(raw);
  const at = (Math.floor(down * SIZE) * SIZE + Math.floor(across * SIZE)) * 3;
  return [...bytes.subarray(at, at + 3)];
}

function expectColour(found: number[], expected: number[], within = 3): void {
  const apart = found.map((value, i) => Math.abs(value - expected[i]!));
  expect(Math.max(...apart), `${found} for ${expected}`).toBeLessThanOrEqual(within);
}

/** Loud and silent seconds take turns with white and black ones. @returns when each first begins, seconds. */
async function beginnings(path: string): Promise<{ white: number; loud: number }> {
  const times = await timesOf(path);
  const raw = await ffmpeg(
    folder,
    '-i',
    path,
    '-vf',
    'scale=1:1',
    '-vsync',
    'passthrough',
    '-pix_fmt',
    'gray',
    '-f',
    'rawvideo',
    'luma',
  );
  const white = times[(await readFile(raw)).findIndex((value) => value > 128)]!;
  const { stdout } = await run(
    'ffmpeg',
    ['-v', 'error', '-i', path, '-vn', '-ac', '1', '-ar', '8000', '-f', 's16le', '-'],
    {
      encoding: 'buffer',
      maxBuffer: 2 ** 28,
    },
  );
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length >> 1);
  return { white, loud: samples.findIndex((value) => Math.abs(value) > 2000) / 8000 };
}

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '10'];
const FLASHES =
  "color=black:size=64x64:rate=30:duration=3,geq=lum='if(between(T,1,1.999),235,16)':cb=128:cr=128";
const BEEPS = "aevalsrc='0.5*sin(2*PI*440*t)*between(t,1,2)':duration=3";

describe.skipIf(!HAS_FFMPEG)('the frames of a video', () => {
  it('keep their own times where they come in bursts and pauses', async () => {
    const delays = [0, 0.02, 0.04, 0.06, 3.06, 3.08];
    const cases = delays.map((time, i) => `eq(N,${i})*${time}`).join('+');
    const gif = await ffmpeg(
      folder,
      ...lavfi('testsrc2=size=64x64:rate=25'),
      '-frames:v',
      '6',
      '-vf',
      `settb=1/100,setpts='(${cases})/TB'`,
      '-vsync',
      'vfr',
      'delays.gif',
    );
    const expected = await timesOf(gif);
    expect(expected).toHaveLength(6);
    for (const name of ['delays.mp4', 'delays.webm', 'delays.mkv', 'delays.mov']) {
      const times = await timesOf((await translated(gif, name)).path);
      expect(times, name).toHaveLength(6);
      for (const [i, time] of times.entries()) expect(Math.abs(time - expected[i]!)).toBeLessThan(0.002);
    }
  });

  it('are as many as a browser recorded, whose file has a clock of a millisecond for a rate', async () => {
    // Times that no constant rate explains, in a file that says nothing about its rate, as MediaRecorder writes it.
    const jitter = "setpts='(N/24+0.008*sin(N*N))/TB'";
    const recorded = await ffmpeg(
      folder,
      ...lavfi('testsrc2=size=64x48:rate=1000'),
      '-frames:v',
      '60',
      '-vf',
      `settb=1/1000,${jitter}`,
      '-vsync',
      'vfr',
      '-c:v',
      'libvpx',
      '-live',
      '1',
      'recorded.webm',
    );
    expect(await timesOf(recorded)).toHaveLength(60);
    const { path, plan } = await translated(recorded, 'recorded.mp4');
    expect(plan.expectedFrames).toBe(60);
    const [before, after] = [await timesOf(recorded), await timesOf(path)];
    expect(after).toHaveLength(60);
    for (const [i, time] of after.entries())
      expect(Math.abs(time - after[0]! - (before[i]! - before[0]!))).toBeLessThan(0.002);
  });

  it('get a constant rate where their times have one, whatever the file says', async () => {
    const plain = await ffmpeg(
      folder,
      ...lavfi('testsrc2=size=64x48:rate=24:duration=2'),
      '-c:v',
      'libvpx',
      '-live',
      '1',
      'live.webm',
    );
    const { plan, path } = await translated(plain, 'live.mp4');
    expect(plan.isTimed).toBe(false);
    expect(plan.framesPerSecond).toBe(24);
    expect(await timesOf(path)).toHaveLength(48);
  });

  it.each(['far.mkv', 'far.webm'])(
    'are not repeated where %s claims 240 a second and has one an hour',
    async (name) => {
      const input = await ffmpeg(
        folder,
        ...lavfi('testsrc2=size=64x64:rate=240:duration=0.02'),
        ...['-vf', 'setpts=N*3600/TB', '-vsync', 'passthrough', '-r', '240', name],
      );
      const { averageRate, baseRate } = await probeVideo(input);
      expect([averageRate, baseRate]).toEqual(Array(2).fill({ numerator: 240, denominator: 1 }));
      const { path, plan } = await translated(input, `of-${name}.mkv`);
      expect(plan.expectedFrames).toBe(5);
      const times = await timesOf(path);
      expect(times.map(Math.round)).toEqual([0, 3600, 7200, 10800, 14400]);
    },
  );

  it('are not decoded for their times where the packets of a file bear its rate out', async () => {
    const cut = await ffmpeg(
      folder,
      ...lavfi('testsrc2=size=64x64:rate=25:duration=3'),
      ...['-c:v', 'libx264', '-bf', '2', 'true.mkv'],
    );
    await truncate(cut, Math.floor((await stat(cut)).size * 0.6));
    const onProgress = vi.fn();
    const info = await withFrameTimes(await probeVideo(cut), cut, { onProgress });
    expect(onProgress).not.toHaveBeenCalled();
    expect(info).toMatchObject({ seconds: 3, frameSeconds: undefined });
  });

  it('are deinterlaced', async () => {
    // Two fields of different times: a bar that moves shows combs if the fields are woven.
    const moving =
      "color=black:size=64x64:rate=50:duration=1,geq=lum='if(lt(mod(X+T*640,64),16),235,16)':cb=128:cr=128";
    const input = await ffmpeg(
      folder,
      ...lavfi(moving),
      '-vf',
      'interlace=scan=tff',
      ...X264,
      '-flags',
      '+ildct+ilme',
      '-top',
      '1',
      '-pix_fmt',
      'yuv420p',
      'interlaced.mp4',
    );
    const { path, plan } = await translated(input, 'progressive.mp4');
    expect(plan.conversions).toContain('deinterlaced');
    expect(await timesOf(path)).toHaveLength(25);
    const combs = async (of: string): Promise<number> => {
      const raw = await readFile(
        await ffmpeg(
          folder,
          '-ss',
          '0.4',
          '-i',
          of,
          '-frames:v',
          '1',
          '-pix_fmt',
          'gray',
          '-f',
          'rawvideo',
          'frame',
        ),
      );
      let sum = 0;
      for (let y = 1; y < SIZE - 1; y++)
        for (let x = 0; x < SIZE; x++) sum += Math.abs(raw[y * SIZE + x]! - raw[(y + 1) * SIZE + x]!);
      return sum;
    };
    expect(await combs(path)).toBeLessThan((await combs(input)) / 4);
  });
});

describe.skipIf(!HAS_FFMPEG)('the colours of a video', () => {
  const COLOUR = [0x20, 0xa0, 0x40];
  /** A colour as samples of a matrix and range; tags are written only if asked for. */
  const encoded = (name: string, size: string, matrix: string, range: string, tags: string[]) =>
    ffmpeg(
      folder,
      ...lavfi(`color=0x20A040:size=${size}:rate=5:duration=0.4,format=rgb24`),
      ...['-vf', `scale=out_color_matrix=${matrix}:out_range=${range},format=yuv444p`],
      ...['-c:v', 'libx264', '-qp', '0', ...tags, name],
    );

  it.each([
    ['HD without tags', '1280x720', 'bt709', 'tv', []],
    ['HD on its side without tags', '720x1280', 'bt709', 'tv', []],
    ['SD without tags', '640x480', 'bt601', 'tv', []],
    ['HD with tags of SD', '1280x720', 'bt601', 'tv', ['-colorspace', 'smpte170m']],
    ['SD with tags of HD', '640x480', 'bt709', 'tv', ['-colorspace', 'bt709']],
    ['the full range', '1280x720', 'bt709', 'pc', ['-color_range', 'pc', '-colorspace', 'bt709']],
  ])('are right for %s', async (name, size, matrix, range, tags) => {
    const input = await encoded(`${name}.mp4`, size, matrix, range, tags);
    for (const to of ['colour.mp4', 'colour.webm'])
      expectColour(await colourAt((await translated(input, to)).path), COLOUR);
  });

  it.each(['smpte2084', 'arib-std-b67'])('are tone mapped from HDR with %s', async (transfer) => {
    if (!installed.filters.has('zscale')) return;
    // Half grey on the screen: linear 0.214 of diffuse white, 203 nits.
    const toHdr = `zscale=tin=linear:t=${transfer}:pin=bt709:p=bt2020:m=bt2020nc:min=gbr:r=tv:npl=203`;
    const input = await ffmpeg(
      folder,
      ...lavfi('color=0x363636:size=64x64:rate=5:duration=0.4,format=gbrpf32le'),
      ...['-vf', `${toHdr},format=yuv420p10le`, '-c:v', 'libx265', '-x265-params', 'log-level=error'],
      ...['-color_primaries', 'bt2020', '-color_trc', transfer, '-colorspace', 'bt2020nc', `${transfer}.mp4`],
    );
    const { path, plan } = await translated(input, `${transfer}-sdr.mp4`);
    expect(plan.conversions).toEqual([expect.stringContaining('HDR')]);
    const [red, green, blue] = await colourAt(path);
    expect(Math.abs(red! - green!) + Math.abs(green! - blue!)).toBeLessThan(8);
    // Without tone mapping, PQ gives 0.39 of the range for it, and HLG 0.37: pale and flat.
    expect(green! / 255).toBeGreaterThan(0.4);
    expect(green! / 255).toBeLessThan(0.6);
  });

  it('lie over white where a video is transparent', async () => {
    const half =
      "color=0x20A040:size=64x64:rate=5:duration=0.6,format=yuva420p,geq=lum='p(X,Y)':cb='p(X,Y)':cr='p(X,Y)':a='if(lt(X,32),255,0)'";
    const webm = await ffmpeg(
      folder,
      ...lavfi(half),
      '-c:v',
      'libvpx-vp9',
      '-b:v',
      '0',
      '-crf',
      '4',
      'alpha.webm',
    );
    const { path } = await translated(webm, 'opaque.mp4');
    expectColour(await colourAt(path, 0.2), COLOUR, 6);
    expectColour(await colourAt(path, 0.8), [255, 255, 255]);
  });
});

describe.skipIf(!HAS_FFMPEG)('the sound of a video', () => {
  const CODECS: Record<string, string[]> = {
    'mono aac': ['-ac', '1', '-c:a', 'aac'],
    '5.1(side) ac3': ['-af', 'aformat=channel_layouts=5.1(side)', '-c:a', 'ac3'],
    '7.1 flac': ['-af', 'aformat=channel_layouts=7.1', '-c:a', 'flac'],
    'mp3 of 44.1 kHz': ['-ar', '44100', '-c:a', 'libmp3lame'],
  };
  it.each(
    Object.keys(CODECS).flatMap((sound) => ['mp4', 'mov', 'mkv', 'webm'].map((to) => [sound, to] as const)),
  )('begins with the frame it belongs to: %s to %s', async (sound, to) => {
    const source = [...lavfi(FLASHES), ...lavfi(BEEPS)];
    const input = await ffmpeg(
      folder,
      ...source,
      ...CODECS[sound]!,
      ...X264,
      '-pix_fmt',
      'yuv420p',
      'in.mkv',
    );
    const { path, plan } = await translated(input, `sound.${to}`);
    expect(plan.audio).toHaveLength(1);
    expect(plan.audio).not.toContain('left out');
    const [before, after] = [await beginnings(input), await beginnings(path)];
    const apart = after.loud - after.white - (before.loud - before.white);
    expect(Math.abs(apart)).toBeLessThan(1 / 30);
    expect(Math.abs((await timesOf(path)).length - 90)).toBeLessThanOrEqual(1);
  });

  it('loses only the track that ffmpeg cannot read', async () => {
    const { plan } = await translated(join(FIXTURES, 'apac.mp4'), 'apac.mp4');
    expect(plan.audio).toEqual(['copied', 'left out']);
  });
});

describe.skipIf(!HAS_FFMPEG)('a video of the fixtures', () => {
  it.each([
    ['recorded.webm', 60],
    ['delays.gif', 6],
    ['interlaced.mp4', 25],
    ['ac3-51side.mkv', 10],
    ['hdr-pq.mp4', 10],
    ['hdr-hlg.mp4', 10],
  ])('keeps its frames in every container: %s has %d', async (name, frames) => {
    for (const to of ['mp4', 'webm', 'mkv', 'mov']) {
      const { path } = await translated(join(FIXTURES, name), `${name}.${to}`);
      expect(await timesOf(path), to).toHaveLength(frames);
    }
  });

  it('keeps the colour of HD without tags', async () => {
    const { path } = await translated(join(FIXTURES, 'untagged-720p.mp4'), 'hd.mp4');
    // The file itself is off by up to 2.7 levels.
    expectColour(await colourAt(path), [0x20, 0xa0, 0x40]);
  });

  it('is laid over white where it is transparent', async () => {
    const { path, plan } = await translated(join(FIXTURES, 'alpha.webm'), 'alpha.mp4');
    expect(plan.conversions).toHaveLength(1);
    const [red, green, blue] = await colourAt(path, 0.02, 0.02);
    expect(Math.min(red!, green!, blue!)).toBeGreaterThan(240);
  });
});

describe('growingTimes', () => {
  it('goes on by the usual step where a time is missing or goes back', () => {
    expect(growingTimes([5, 5.5, Number.NaN, 6.5, 0, 0.5])).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
    expect(growingTimes([])).toEqual([]);
  });
});

describe('constantRate', () => {
  const times = (rate: number, round: number): number[] =>
    Array.from({ length: 500 }, (_, i) => Math.round((i / rate) * round) / round);

  it('finds the rate of which times are, rounded to milliseconds', () => {
    expect(constantRate(times(30000 / 1001, 1000))).toEqual({ numerator: 30000, denominator: 1001 });
    expect(constantRate(times(12.5, 1000))).toEqual({ numerator: 12500, denominator: 1000 });
  });

  it('finds none where frames are missing or come irregularly', () => {
    expect(constantRate(times(25, 1000).filter((_, i) => i !== 100))).toBeUndefined();
    expect(constantRate([0])).toBeUndefined();
  });
});
