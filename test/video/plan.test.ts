import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { containerOf } from '../../src/video/containers.js';
import { expectedFrames, outputRate, type PlanOptions, planVideo } from '../../src/video/plan.js';
import type { VideoInfo } from '../../src/video/probe.js';
import type { PlannedTrack } from '../../src/video/sound.js';
import { type Ffmpeg, parseCodecs, parseFilters, parseHasFpsMode } from '../../src/video/tools.js';

const INFO: VideoInfo = {
  index: 0,
  codec: 'h264',
  colour: { samples: 'yuv420p', matrix: undefined, transfer: undefined, primaries: undefined },
  isInterlaced: false,
  hasHiddenAlpha: false,
  frameSeconds: undefined,
  pixelRatio: 1,
  extent: { width: 854, height: 480 },
  averageRate: { numerator: 25, denominator: 1 },
  baseRate: { numerator: 25, denominator: 1 },
  seconds: 20,
  frames: 500,
  startSeconds: 0,
  fileStartSeconds: 0,
  audio: [{ index: 1, codec: 'aac', startSeconds: 0 }],
  others: [],
  chapters: 0,
};
const FFMPEG: Ffmpeg = {
  encoders: new Set(['libx264', 'aac', 'libvpx-vp9', 'libopus']),
  decoders: new Set(['libvpx-vp9']),
  filters: new Set(['bwdif', 'zscale', 'tonemap']),
  hasFpsMode: true,
};
const COPIED: PlannedTrack = { index: 1, fate: 'copied' };
const SOUND = { tracks: [COPIED], fates: [COPIED.fate] };
const plan = (info: Partial<VideoInfo> = {}, options: Partial<PlanOptions> = {}) =>
  planVideo(
    { ...INFO, ...info },
    { input: 'in.mp4', output: 'out.mp4', modelPx: 64, cells: 1, ffmpeg: FFMPEG, sound: SOUND, ...options },
  );
/** What stands behind an option; all of it where there are several. */
const valuesOf = (args: string[], option: string): string[] => args.filter((_, i) => args[i - 1] === option);

describe('the frame rate of the output', () => {
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

  it('is the base rate if the mean rate differs only by rounding', () => {
    expect(rate([30000, 1001], [30000, 1001], 20)).toBe('30000/1001');
    expect(rate([19001, 634], [30000, 1001], 20)).toBe('30000/1001');
  });

  it('is the mean rate if frames are irregular, which keeps their number', () => {
    expect(rate([540, 29], [30, 1], 4)).toBe('540/29');
    expect(rate([25, 1], [90000, 1], 4)).toBe('25/1');
    expect(rate([2999, 100], [30, 1], 600)).toBe('2999/100');
  });

  it('is the only known rate, and an error without any', () => {
    expect(rate(undefined, [24, 1])).toBe('24/1');
    expect(rate([24, 1], undefined)).toBe('24/1');
    expect(() => rate(undefined, [90000, 1])).toThrow(/a frame rate in in\.mp4/);
    expect(() => rate(undefined, undefined)).toThrow(InputError);
  });

  it('gives the expected number of frames together with the duration', () => {
    expect(expectedFrames(INFO, INFO.averageRate!)).toBe(500);
    expect(expectedFrames({ ...INFO, seconds: undefined }, INFO.averageRate!)).toBe(500);
    expect(
      expectedFrames({ ...INFO, seconds: undefined, frames: undefined }, INFO.averageRate!),
    ).toBeUndefined();
    expect(expectedFrames({ ...INFO, seconds: 0.001 }, INFO.averageRate!)).toBe(1);
  });
});

describe('the arguments of the decoder', () => {
  it('ask for upright squares of the model size at a constant rate, from no other file', () => {
    const { decoderArgs } = plan({ index: 2 });
    expect(valuesOf(decoderArgs, '-map')).toEqual(['0:2']);
    expect(valuesOf(decoderArgs, '-i')).toEqual(['file:in.mp4']);
    expect(valuesOf(decoderArgs, '-protocol_whitelist')).toEqual(['file,pipe']);
    const [filters] = valuesOf(decoderArgs, '-vf');
    expect(filters).toMatch(
      /^fps=25\/1,crop=.*min\(iw,ih\/sar\).*min\(ih,iw\*sar\).*,scale=64:64:.*lanczos.*matrix=bt601/,
    );
    expect(decoderArgs.slice(-5)).toEqual(['-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']);
  });

  it('mark names that look like options or addresses as files', () => {
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

describe('the arguments of the encoder', () => {
  it('scale the canvas to the requested size', () => {
    const square = (side: number) => ({ width: side, height: side });
    expect(plan()).toMatchObject({ input: square(64), canvas: square(64), output: square(64) });
    const mosaic = plan({}, { cells: 3, outputPx: 480 });
    expect(mosaic).toMatchObject({ input: square(64), canvas: square(192), output: square(480) });
    const args = mosaic.encoderArgs('x');
    expect(valuesOf(args, '-video_size')).toEqual(['192x192']);
    expect(valuesOf(args, '-vf')[0]).toMatch(/^scale=480:480:flags=lanczos/);
    expect(valuesOf(args, '-framerate')).toEqual(['25/1']);
  });

  it('round whole frames, into which faces are pasted, to even sides', () => {
    const whole = { width: 855, height: 481 };
    const pasted = plan({}, { whole, isPasted: true });
    expect(pasted).toMatchObject({ input: whole, canvas: whole, output: { width: 856, height: 482 } });
    expect(valuesOf(pasted.encoderArgs('x'), '-video_size')).toEqual(['855x481']);
    expect(valuesOf(pasted.decoderArgs, '-vf')[0]).toMatch(/^fps=25\/1,scale=855:481:/);
    const cropped = plan({}, { whole, cells: 3 });
    expect(cropped).toMatchObject({ input: whole, canvas: { width: 192, height: 192 } });
  });

  it('copy a track, encode another with the channels that it has, and a third as stereo', () => {
    const tracks: PlannedTrack[] = [
      COPIED,
      { index: 3, fate: 're-encoded', encoder: 'aac' },
      { index: 4, fate: 'mixed down', encoder: 'aac' },
    ];
    const planned = plan(
      {},
      { sound: { tracks, fates: ['copied', 'left out', 're-encoded', 'mixed down'] } },
    );
    expect(planned.audio).toEqual(['copied', 'left out', 're-encoded', 'mixed down']);
    const args = planned.encoderArgs('x');
    expect(valuesOf(args, '-map')).toEqual(['0:v:0', '1:1', '1:3', '1:4']);
    expect([0, 1, 2].map((i) => valuesOf(args, `-c:a:${i}`)[0])).toEqual(['copy', 'aac', 'aac']);
    expect(valuesOf(args, '-filter:a:1')[0]).toContain('|5.1|');
    expect(valuesOf(args, '-filter:a:2')).toEqual(['aformat=channel_layouts=stereo']);
  });

  it('do not open the input if it has neither sound nor chapters', () => {
    const silent = { sound: undefined };
    const args = plan({ audio: [] }, silent).encoderArgs('x');
    expect([valuesOf(args, '-i'), valuesOf(args, '-map')]).toEqual([['pipe:0'], ['0:v:0']]);
    const chapters = plan({ audio: [], chapters: 2 }, silent).encoderArgs('x');
    expect([valuesOf(chapters, '-i')[1], valuesOf(chapters, '-map_chapters')]).toEqual([
      'file:in.mp4',
      ['1'],
    ]);
  });

  it('pass on frames with a time each where a video has no constant rate', () => {
    const timed = plan({ frameSeconds: [0, 0.02, 3], seconds: 3.1 });
    expect(timed).toMatchObject({ isTimed: true, expectedFrames: 3 });
    expect([0, 1, 2, 3].map(timed.secondsAt)).toEqual([0, 0.02, 3, 3.1]);
    const args = timed.encoderArgs('x');
    expect([valuesOf(args, '-f')[0], valuesOf(args, '-fps_mode')]).toEqual(['matroska', ['vfr']]);
    const older = plan({ frameSeconds: [0, 1] }, { ffmpeg: { ...FFMPEG, hasFpsMode: false } });
    expect(valuesOf(older.encoderArgs('x'), '-vsync')).toEqual(['vfr']);
  });

  it('keep the offset of a video that begins after its sound', () => {
    const late = plan({ startSeconds: 1.5, fileStartSeconds: 1 }).encoderArgs('x');
    expect(valuesOf(late, '-itsoffset')).toEqual(['-0.500000']);
    expect(valuesOf(late, '-avoid_negative_ts')).toEqual(['make_zero']);
    // Less than a frame is not worth a longer file.
    const little = plan({ startSeconds: 0.023 }).encoderArgs('x');
    expect(valuesOf(little, '-itsoffset')).toEqual(['-0.023000']);
    expect(valuesOf(little, '-avoid_negative_ts')).toEqual([]);
  });

  it('name the best encoder that ffmpeg has', () => {
    const videoEncoder = (...names: string[]) =>
      valuesOf(plan({}, { ffmpeg: { ...FFMPEG, encoders: new Set(names) } }).encoderArgs('x'), '-c:v')[0];
    expect(videoEncoder('mpeg4', 'libx264')).toBe('libx264');
    expect(videoEncoder('mpeg4')).toBe('mpeg4');
    expect(() => videoEncoder('libvpx')).toThrow(/libx264, libopenh264, mpeg4 for out\.mp4 but found none/);
  });

  it('hold the comment as one argument, and omit one that is too long', () => {
    const comment = '{"a": "b=c; \'d\'"}';
    expect(valuesOf(plan({}, { comment }).encoderArgs('x'), '-metadata')).toEqual([`comment=${comment}`]);
    // Longer ones than a program takes are left out.
    const long = plan({}, { comment: 'x'.repeat(200_000) }).encoderArgs('x');
    expect(valuesOf(long, '-metadata')).toEqual([]);
  });
});

it('containerOf chooses the container by the extension, and rejects others', () => {
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

it('parseCodecs reads the list that ffmpeg prints', () => {
  const text = `Encoders:
 V..... = Video
 ------
 V..... a64multi             Multicolor charset for Commodore 64 (codec a64_multi)
 V....D libx264              libx264 H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10 (codec h264)
 VFS..D mpeg4                MPEG-4 part 2
 A....D aac                  AAC (Advanced Audio Coding)
`;
  const found = parseCodecs(text);
  expect(['a64multi', 'libx264', 'mpeg4', 'aac'].every((name) => found.has(name))).toBe(true);
  expect([found.has('H.264'), found.has('nothing')]).toEqual([false, false]);
});

it('parseFilters reads the list that ffmpeg prints, of old and of new versions', () => {
  const text = `Filters:
  T.. = Timeline support
  V = Video input/output
 ... abench            A->A       Benchmark part of a filtergraph.
 TSC bwdif             V->V       Deinterlace the input image.
 .S zscale            V->V       Apply resizing, colorspace and bit depth conversion.
 ..C overlay           VV->V      Overlay a video source on top of the input.
`;
  expect([...parseFilters(text)]).toEqual(['abench', 'bwdif', 'zscale', 'overlay']);
});

it.each([
  ['libavutil      57. 28.100 / 57. 28.100', true],
  ['libavutil      60.  8.100 / 60.  8.100', true],
  ['libavutil      57. 17.100 / 57. 17.100', false],
  ['libavutil      56. 24.101 / 56. 24.101', false],
  ['', false],
])('parseHasFpsMode goes by the version of the library: %s', (text, expected) => {
  expect(parseHasFpsMode(`ffmpeg version N-47683-g0e8eb07980\n${text}\n`)).toBe(expected);
});

describe('the filters of the decoder', () => {
  const colour = (more: Partial<VideoInfo['colour']>) => ({ ...INFO.colour, ...more });
  const filters = (info: Partial<VideoInfo>, ffmpeg: Partial<Ffmpeg> = {}) => {
    const { decoderArgs, conversions, notices } = plan(info, { ffmpeg: { ...FFMPEG, ...ffmpeg } });
    return { chain: valuesOf(decoderArgs, '-vf')[0]!, conversions, notices };
  };
  const HD = { width: 1080, height: 1920 };

  it('read samples without tags by their size, and those with tags or of RGB as they are', () => {
    expect(filters({ extent: HD }).chain).toContain('in_color_matrix=bt709');
    expect(filters({ extent: HD, colour: colour({ matrix: 'smpte170m' }) }).chain).not.toContain('matrix');
    expect(filters({ colour: colour({ samples: 'gbrp' }) }).chain).not.toContain('matrix');
  });

  it.each(['smpte2084', 'arib-std-b67'])(
    'map the tones of %s, or say that this ffmpeg cannot',
    (transfer) => {
      const hdr = { colour: colour({ transfer, matrix: 'bt2020nc', primaries: 'bt2020' }) };
      expect(filters(hdr)).toMatchObject({ chain: expect.stringContaining('tonemap='), notices: [] });
      const bare = filters(hdr, { filters: new Set() });
      expect(bare).toMatchObject({ conversions: [], notices: [expect.stringContaining('HDR')] });
      expect(bare.chain).not.toContain('zscale');
    },
  );

  it('deinterlace, or say that this ffmpeg cannot', () => {
    expect(filters({ isInterlaced: true }).chain).toMatch(/^bwdif=/);
    expect(filters({ isInterlaced: true }, { filters: new Set() }).notices).toHaveLength(1);
  });

  it('lay transparent frames over white, with the decoder that reads their transparency', () => {
    expect(filters({ colour: colour({ samples: 'bgra' }) }).conversions).toHaveLength(1);
    const vp9 = { codec: 'vp9', hasHiddenAlpha: true };
    expect(valuesOf(plan(vp9).decoderArgs, '-c:v')).toEqual(['libvpx-vp9']);
    expect(filters(vp9, { decoders: new Set() })).toMatchObject({
      conversions: [],
      notices: [expect.any(String)],
    });
  });
});
