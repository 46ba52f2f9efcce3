import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import {
  containerOf,
  expectedFrames,
  outputRate,
  type PlanOptions,
  parseEncoders,
  planVideo,
} from '../../src/video/plan.js';
import type { VideoInfo } from '../../src/video/probe.js';

const INFO: VideoInfo = {
  index: 0,
  extent: { width: 854, height: 480 },
  averageRate: { numerator: 25, denominator: 1 },
  baseRate: { numerator: 25, denominator: 1 },
  seconds: 20,
  frames: 500,
  startSeconds: 0,
  fileStartSeconds: 0,
  audio: [{ index: 1, codec: 'aac', startSeconds: 0 }],
};
const ENCODERS = new Set(['libx264', 'aac', 'libvpx-vp9', 'libopus']);
const plan = (info: Partial<VideoInfo> = {}, options: Partial<PlanOptions> = {}) =>
  planVideo(
    { ...INFO, ...info },
    { input: 'in.mp4', output: 'out.mp4', modelPx: 64, cells: 1, encoders: ENCODERS, ...options },
  );
/** What stands behind an option; all of it where there are several. */
const valuesOf = (args: string[], option: string): string[] => args.filter((_, i) => args[i - 1] === option);

describe('the frame rate', () => {
  const rate = (
    average: [number, number] | undefined,
    base: [number, number] | undefined,
    seconds?: number,
  ) => {
    const rational = (pair?: [number, number]) => pair && { numerator: pair[0], denominator: pair[1] };
    const info = { ...INFO, averageRate: rational(average), baseRate: rational(base), seconds };
    const { numerator, denominator } = outputRate(info, 'in.mp4');
    return `${numerator}/${denominator}`;
  };

  it('is the base rate where that is the mean one too, but for rounding', () => {
    expect(rate([30000, 1001], [30000, 1001], 20)).toBe('30000/1001');
    expect(rate([19001, 634], [30000, 1001], 20)).toBe('30000/1001');
  });

  it('is the mean rate where frames come irregularly, so that their number stays', () => {
    expect(rate([540, 29], [30, 1], 4)).toBe('540/29');
    expect(rate([25, 1], [90000, 1], 4)).toBe('25/1');
    expect(rate([2999, 100], [30, 1], 600)).toBe('2999/100');
  });

  it('is whichever there is, and an error where there is none', () => {
    expect(rate(undefined, [24, 1])).toBe('24/1');
    expect(rate([24, 1], undefined)).toBe('24/1');
    expect(() => rate(undefined, [90000, 1])).toThrow(/a frame rate in in\.mp4/);
    expect(() => rate(undefined, undefined)).toThrow(InputError);
  });

  it('tells the number of frames with the duration', () => {
    expect(expectedFrames(INFO, INFO.averageRate!)).toBe(500);
    expect(expectedFrames({ ...INFO, seconds: undefined }, INFO.averageRate!)).toBe(500);
    expect(
      expectedFrames({ ...INFO, seconds: undefined, frames: undefined }, INFO.averageRate!),
    ).toBeUndefined();
    expect(expectedFrames({ ...INFO, seconds: 0.001 }, INFO.averageRate!)).toBe(1);
  });
});

describe('the decoder', () => {
  it('gives upright squares of the model size at a constant rate, from the file alone', () => {
    const { decoderArgs } = plan({ index: 2 });
    expect(valuesOf(decoderArgs, '-map')).toEqual(['0:2']);
    expect(valuesOf(decoderArgs, '-i')).toEqual(['file:in.mp4']);
    expect(valuesOf(decoderArgs, '-protocol_whitelist')).toEqual(['file,pipe']);
    const [filters] = valuesOf(decoderArgs, '-vf');
    expect(filters).toMatch(/^fps=25\/1,crop=.*min\(iw,ih\/sar\).*min\(ih,iw\*sar\).*,scale=64:64:.*lanczos/);
    expect(decoderArgs.slice(-5)).toEqual(['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']);
  });

  it('takes names that look like options or addresses as files', () => {
    expect(valuesOf(plan({}, { input: '-y' }).decoderArgs, '-i')).toEqual(['file:-y']);
    expect(valuesOf(plan({}, { input: 'http://a/b' }).decoderArgs, '-i')).toEqual(['file:http://a/b']);
    expect(plan({}, { output: '-y.mp4' }).encoderArgs('-y.mp4').at(-1)).toBe('file:-y.mp4');
  });
});

describe('the decoder of a part of the frames', () => {
  it('cuts the part out before it scales, by shares of the frames, whose pixels may not be square', () => {
    const whole = { width: 854, height: 480 };
    const part = { left: 16, top: 32, width: 320, height: 240, whole };
    const { decoderArgs, input } = plan({}, { whole: { width: 160, height: 120 }, part });
    expect(input).toEqual({ width: 160, height: 120 });
    expect(valuesOf(decoderArgs, '-vf')[0]).toMatch(
      /,crop=w=iw\*320\/854:h=ih\*240\/480:x=iw\*16\/854:y=ih\*32\/480,scale=160:120:/,
    );
  });
});

describe('the encoder', () => {
  it('takes frames of the canvas and gives them the asked size', () => {
    const square = (side: number) => ({ width: side, height: side });
    expect(plan()).toMatchObject({ input: square(64), canvas: square(64), output: square(64) });
    const mosaic = plan({}, { cells: 3, outputPx: 480 });
    expect(mosaic).toMatchObject({ input: square(64), canvas: square(192), output: square(480) });
    const args = mosaic.encoderArgs('x');
    expect(valuesOf(args, '-video_size')).toEqual(['192x192']);
    expect(valuesOf(args, '-vf')[0]).toMatch(/^scale=480:480:flags=lanczos/);
    expect(valuesOf(args, '-framerate')).toEqual(['25/1']);
  });

  it('takes whole frames that faces are put back into, and gives them even sides', () => {
    const whole = { width: 855, height: 481 };
    const pasted = plan({}, { whole, isPasted: true });
    expect(pasted).toMatchObject({ input: whole, canvas: whole, output: { width: 856, height: 482 } });
    expect(valuesOf(pasted.encoderArgs('x'), '-video_size')).toEqual(['855x481']);
    expect(valuesOf(pasted.decoderArgs, '-vf')[0]).toMatch(/^fps=25\/1,scale=855:481:/);
    const cropped = plan({}, { whole, cells: 3 });
    expect(cropped).toMatchObject({ input: whole, canvas: { width: 192, height: 192 } });
  });

  it('copies sound that the container takes, and encodes the other again', () => {
    const audio = ['aac', 'flac', 'pcm_s16le'].map((codec, i) => ({ index: i + 1, codec, startSeconds: 0 }));
    const mp4 = plan({ audio });
    expect(mp4.audio).toEqual(['copied', 're-encoded', 're-encoded']);
    const args = mp4.encoderArgs('x');
    expect(valuesOf(args, '-map')).toEqual(['0:v:0', '1:1', '1:2', '1:3']);
    expect([0, 1, 2].map((i) => valuesOf(args, `-c:a:${i}`)[0])).toEqual(['copy', 'aac', 'aac']);
    expect(plan({ audio }, { output: 'a.mkv' }).audio).toEqual(['copied', 'copied', 'copied']);
    const webm = plan({ audio }, { output: 'a.WEBM' });
    expect(webm.audio).toEqual(['re-encoded', 're-encoded', 're-encoded']);
    expect(valuesOf(webm.encoderArgs('x'), '-c:a:0')).toEqual(['libopus']);
  });

  it('does not open the input where there is no sound', () => {
    const args = plan({ audio: [] }).encoderArgs('x');
    expect([valuesOf(args, '-i'), valuesOf(args, '-map')]).toEqual([['pipe:0'], ['0:v:0']]);
  });

  it('keeps a picture that begins after the sound where it was', () => {
    const late = plan({ startSeconds: 1.5, fileStartSeconds: 1 }).encoderArgs('x');
    expect(valuesOf(late, '-itsoffset')).toEqual(['-0.500000']);
    expect(valuesOf(late, '-avoid_negative_ts')).toEqual(['make_zero']);
    // Less than a frame is not worth a longer file.
    const little = plan({ startSeconds: 0.023 }).encoderArgs('x');
    expect(valuesOf(little, '-itsoffset')).toEqual(['-0.023000']);
    expect(valuesOf(little, '-avoid_negative_ts')).toEqual([]);
  });

  it('is the best that ffmpeg has', () => {
    const videoEncoder = (...names: string[]) =>
      valuesOf(plan({ audio: [] }, { encoders: new Set(names) }).encoderArgs('x'), '-c:v')[0];
    expect(videoEncoder('mpeg4', 'libx264')).toBe('libx264');
    expect(videoEncoder('mpeg4')).toBe('mpeg4');
    expect(() => videoEncoder('libvpx')).toThrow(/libx264, libopenh264, mpeg4 for out\.mp4 but found none/);
  });

  it('writes the comment as one argument', () => {
    const comment = '{"a": "b=c; \'d\'"}';
    expect(valuesOf(plan({}, { comment }).encoderArgs('x'), '-metadata')).toEqual([`comment=${comment}`]);
    // Longer ones than a program takes are left out.
    const long = plan({}, { comment: 'x'.repeat(200_000) }).encoderArgs('x');
    expect(valuesOf(long, '-metadata')).toEqual([]);
  });
});

it('containers are told by the extension', () => {
  expect(['a.mp4', 'a.M4V', 'a.mov', 'a.mkv', 'a.webm'].map((name) => containerOf(name).muxer)).toEqual([
    'mp4',
    'mp4',
    'mov',
    'matroska',
    'webm',
  ]);
  for (const name of ['a.avi', 'a', '.mp4', 'mp4'])
    expect(() => containerOf(name)).toThrow(/ends in \.mp4, \.m4v, \.mov, \.mkv, \.webm but found/);
});

it('parseEncoders reads the list that ffmpeg prints', () => {
  const text = `Encoders:
 V..... = Video
 ------
 V..... a64multi             Multicolor charset for Commodore 64 (codec a64_multi)
 V....D libx264              libx264 H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10 (codec h264)
 VFS..D mpeg4                MPEG-4 part 2
 A....D aac                  AAC (Advanced Audio Coding)
`;
  const found = parseEncoders(text);
  expect(['a64multi', 'libx264', 'mpeg4', 'aac'].every((name) => found.has(name))).toBe(true);
  expect([found.has('H.264'), found.has('nothing')]).toEqual([false, false]);
});
