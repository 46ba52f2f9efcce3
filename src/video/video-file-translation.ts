// What the translation of a video file gave.
import type { Description } from '../data/description.js';
import { peakMemory } from '../runtime/memory.js';
import type { FaceTrajectory } from './face-trajectory.js';
import type { VideoPlan } from './plan.js';
import type { VideoInfo } from './probe.js';
import type { VideoRequest } from './request.js';
import type { TrackFate } from './sound.js';
import type { TranslatedVideo } from './translate-video.js';

/** What `translateVideoFile` wrote, and how. */
export interface VideoFileTranslation {
  /** Path of the input. */
  input: string;
  /** Path of the output. */
  output: string;
  /** Frames of the output. */
  frames: number;
  /** Frames that the input claims to have; null if it does not say. */
  expectedFrames: number | null;
  /** Duration of the output. */
  seconds: number;
  /** Frame rate of the output. */
  fps: number;
  /** Side of the model's images, px. */
  modelPx: number;
  /** Width of the output, px. */
  widthPx: number;
  /** Height of the output, px. */
  heightPx: number;
  /** What became of each audio track. */
  audio: TrackFate[];
  /** What was done to the frames beside scaling, each a phrase, such as `deinterlaced`. */
  conversions: string[];
  /** What the input has and the output has not, each a phrase, such as `subtitles (mov_text)`. */
  leftOut: string[];
  /** Number of faces; absent if none were looked for. */
  faces?: number;
  /** Number of frames in which faces were looked for; absent if none were. */
  faceLooks?: number;
  /** Whether the input ended early: the output has what could be decoded. */
  isTruncated: boolean;
  /** Mean change between neighbouring frames; null for a single frame. */
  temporalConsistency: {
    /** Change of the input, 0 to 1 of the range. */
    inputChange: number | null;
    /** Change of the output, 0 to 1 of the range. */
    outputChange: number | null;
    /** Output over input. */
    ratio: number | null;
  };
  /** Time from the start of decoding to the finished file. */
  wallSeconds: number;
  /** Frames translated in each second of it. */
  framesPerSecond: number;
  /** Most memory of the process so far. */
  peakRssBytes: number;
  /** Most memory in tensors on the GPU so far; absent without one. */
  peakGpuBytes?: number;
  /** What the output's comment says: the model's SHA-256, direction and styles. */
  record: Description;
}

/** @returns a phrase for each stream of the input that the output does not have. */
export function leftOutOf({ audio, others, chapters }: VideoInfo, fates: readonly TrackFate[]): string[] {
  const named = (what: string, codec: string | undefined): string => `${what} (${codec ?? 'unknown codec'})`;
  const words: Readonly<Record<string, string>> = { subtitle: 'subtitles', video: 'another video stream' };
  return [
    ...audio.flatMap(({ codec }, i) =>
      fates[i] === 'left out' ? [named(`audio track ${i + 1}`, codec)] : [],
    ),
    ...others
      // QuickTime keeps the names of chapters in a stream of data.
      .filter(({ kind }) => !(kind === 'data' && chapters > 0))
      .map(({ kind, codec }) => named(words[kind] ?? kind, codec)),
  ];
}

/** What looking for faces gave. */
export interface FoundFaces {
  /** Undefined if the video has none that are translated. */
  trajectory: FaceTrajectory | undefined;
  /** Number of faces. */
  faces: number;
  /** Frames in which faces were looked for. */
  looks: number;
}

/** Puts together what was written. */
export function translationOf(
  { input, output }: VideoRequest,
  { frames, change, isTruncated, wallSeconds }: TranslatedVideo,
  {
    modelPx,
    plan,
    found,
    leftOut,
    record,
  }: {
    modelPx: number;
    plan: VideoPlan;
    found: FoundFaces | undefined;
    leftOut: string[];
    record: Description;
  },
): VideoFileTranslation {
  const ratio = change.input && change.output !== null ? change.output / change.input : null;
  return {
    input,
    output,
    frames,
    expectedFrames: plan.expectedFrames ?? null,
    seconds: plan.secondsAt(frames),
    fps: plan.framesPerSecond,
    modelPx,
    widthPx: plan.output.width,
    heightPx: plan.output.height,
    audio: plan.audio,
    conversions: plan.conversions,
    leftOut,
    ...(found && { faces: found.faces, faceLooks: found.looks }),
    isTruncated,
    temporalConsistency: { inputChange: change.input, outputChange: change.output, ratio },
    wallSeconds,
    framesPerSecond: frames / wallSeconds,
    ...peakMemory(),
    record,
  };
}
