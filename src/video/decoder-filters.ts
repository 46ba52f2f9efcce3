// Chooses ffmpeg's filters that turn the frames of a video into upright RGB as a person would see them.
import type { Extent } from '../base/geometry.js';
import type { Rational, VideoInfo } from './probe.js';
import type { Ffmpeg } from './tools.js';

/** High quality and exact rounding. */
export const SCALING = 'lanczos+accurate_rnd+full_chroma_int';
/** Frames at least this high or wide have the colours of HD television where a file does not say (BT.709). */
const HD_EXTENT: Extent = { width: 1280, height: 720 };
/** Luminance of diffuse white in HDR video, nits (ITU-R BT.2408). */
const HDR_WHITE_NITS = 203;
/** Brighter than white by at most this factor: most HDR video is made for 1000 nits. */
const HDR_PEAK = 1000 / HDR_WHITE_NITS;
const HDR_TRANSFERS: Readonly<Record<string, string>> = { smpte2084: 'PQ', 'arib-std-b67': 'HLG' };
const ALPHA_SAMPLES = /^(yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8)/;
const RGB_SAMPLES = /^(rgb|bgr|gbr|0rgb|0bgr|argb|abgr|pal8|gray|mono|ya)/;
const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: 'libvpx', vp9: 'libvpx-vp9' };

/** Which raw RGB frames ffmpeg decodes. */
export interface Frames {
  rate: Rational;
  /** Size of the upright frames, or the side of their centred squares, px. */
  extent: Extent | number;
  /** Decodes this part of the frames alone. */
  part?: FramePart | undefined;
  /** Decodes key frames alone. */
  keyFramesOnly?: boolean;
}

/** A rectangle of the frames of a video. */
export interface FramePart extends Extent {
  /** Distance from the frames' left edge, px. */
  left: number;
  /** Distance from the frames' top edge, px. */
  top: number;
  /** Size of the whole frames, px. */
  whole: Extent;
}

/** How ffmpeg decodes a video, and what a user should know of it. */
export interface FrameFilters {
  /** Options before the input. */
  inputOptions: string[];
  /** The value of -vf. */
  filters: string;
  /** What is done to the frames beside scaling, each a phrase: "deinterlaced". */
  conversions: string[];
  /** What cannot be done with this ffmpeg, each a sentence. */
  notices: string[];
}

/** @returns filters that give the frames of a video the times of a constant rate. */
function timing(
  { rate: { numerator, denominator }, keyFramesOnly = false }: Frames,
  isTimed: boolean,
): string[] {
  // Key frames, and frames with times of their own, are only counted.
  if (isTimed || keyFramesOnly) return [`settb=${denominator}/${numerator}`, 'setpts=N'];
  return [`fps=${numerator}/${denominator}`];
}

/** @returns ffmpeg's filter for a part of the frames. Their pixels may differ from those of `whole`: it uses shares. */
function cropOf({ left, top, width, height, whole }: FramePart): string {
  const across = (px: number): string => `iw*${px}/${whole.width}`;
  const down = (px: number): string => `ih*${px}/${whole.height}`;
  return `crop=w=${across(width)}:h=${down(height)}:x=${across(left)}:y=${down(top)}`;
}

/** @returns the matrix to read frames with where the file does not say; undefined where it does, and for RGB. */
function assumedMatrix({ colour, extent }: VideoInfo): string | undefined {
  if (colour.matrix !== undefined || colour.samples === '' || RGB_SAMPLES.test(colour.samples))
    return undefined;
  const [short, long] = [extent.width, extent.height].sort((a, b) => a - b) as [number, number];
  return long >= HD_EXTENT.width || short >= HD_EXTENT.height ? 'bt709' : 'bt601';
}

/** @returns the filters of a tone curve from HDR to the range of a screen, at a size. */
function toneMapping({ width, height }: Extent): string[] {
  return [
    `zscale=w=${width}:h=${height}:f=lanczos:t=linear:npl=${HDR_WHITE_NITS}`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    // Mobius keeps dark and middle tones as they are, and rolls off what is brighter.
    `tonemap=mobius:param=0.5:desat=0:peak=${HDR_PEAK.toFixed(3)}`,
    'zscale=t=bt709:r=full',
    'format=gbrp',
  ];
}

/** Scales and converts the samples. */
function conversion(
  info: VideoInfo,
  extent: Extent,
  filters: ReadonlySet<string>,
): Pick<FrameFilters, 'conversions' | 'notices'> & { chain: string[] } {
  const { colour } = info;
  const { width, height } = extent;
  const matrix = assumedMatrix(info);
  const plain = `scale=${width}:${height}:flags=${SCALING}${matrix ? `:in_color_matrix=${matrix}` : ''}`;
  const hdr = HDR_TRANSFERS[colour.transfer ?? ''];
  if (hdr !== undefined) {
    if (filters.has('zscale') && filters.has('tonemap'))
      return { chain: toneMapping(extent), conversions: [`tone mapped from HDR (${hdr})`], notices: [] };
    const notice = `the video is HDR (${hdr}), and this ffmpeg has no zscale and tonemap to map its tones: colours come out pale; install a complete ffmpeg`;
    return { chain: [plain], conversions: [], notices: [notice] };
  }
  if (colour.primaries === 'bt2020' && filters.has('zscale'))
    return {
      chain: [
        `zscale=w=${width}:h=${height}:f=lanczos:p=bt709:t=bt709:m=bt709:r=tv`,
        'format=yuv444p',
        `scale=${width}:${height}:flags=${SCALING}:in_color_matrix=bt709`,
      ],
      conversions: ['converted from the colours of BT.2020'],
      notices: [],
    };
  return { chain: [plain], conversions: [], notices: [] };
}

/** Lays frames with opacity over white, as images are. */
const OVER_WHITE =
  'format=rgba,split[front][back];[back]lutrgb=r=255:g=255:b=255:a=255[white];[white][front]overlay=format=rgb:shortest=1';

/** Chooses how a video is decoded with what an ffmpeg has. */
export function frameFilters(
  info: VideoInfo,
  frames: Frames,
  { filters, decoders }: Pick<Ffmpeg, 'filters' | 'decoders'>,
): FrameFilters {
  const { extent: wanted, part, keyFramesOnly = false } = frames;
  const extent = typeof wanted === 'number' ? { width: wanted, height: wanted } : wanted;
  const { chain, conversions, notices } = conversion(info, extent, filters);
  const deinterlacer = ['bwdif', 'yadif'].find((name) => filters.has(name));
  const isDeinterlaced = info.isInterlaced && deinterlacer !== undefined;
  const alphaDecoder = info.hasHiddenAlpha ? ALPHA_DECODERS[info.codec ?? ''] : undefined;
  const readsAlpha = alphaDecoder !== undefined && decoders.has(alphaDecoder);
  const hasAlpha = readsAlpha || ALPHA_SAMPLES.test(info.colour.samples);
  return {
    inputOptions: [
      ...(keyFramesOnly ? ['-skip_frame', 'nokey'] : []),
      ...(readsAlpha ? ['-c:v', alphaDecoder] : []),
    ],
    filters: [
      ...(isDeinterlaced ? [`${deinterlacer}=mode=send_frame:deint=all`] : []),
      ...timing(frames, info.frameSeconds !== undefined),
      ...(typeof wanted === 'number' ? ["crop=w='min(iw,ih/sar)':h='min(ih,iw*sar)'"] : []),
      ...(part === undefined ? [] : [cropOf(part)]),
      ...chain,
      'setsar=1',
      ...(hasAlpha ? [OVER_WHITE] : []),
      // Without it, frames would be repeated to fill the time before the first one.
      'setpts=PTS-STARTPTS',
    ].join(','),
    conversions: [
      ...(isDeinterlaced ? ['deinterlaced'] : []),
      ...conversions,
      ...(hasAlpha ? ['laid over white where it is transparent'] : []),
    ],
    notices: [
      ...notices,
      ...(info.isInterlaced && !isDeinterlaced
        ? ['the video is interlaced, and this ffmpeg has no bwdif to mend it: edges that move show combs']
        : []),
      ...(info.hasHiddenAlpha && !readsAlpha
        ? [
            `the video has transparency that this ffmpeg cannot read: install one with ${alphaDecoder ?? 'libvpx'}`,
          ]
        : []),
    ],
  };
}
