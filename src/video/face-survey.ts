// Searches a video for faces.
import { InterruptedError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import type { FaceDetector } from '../faces/detector.js';
import { scaledFace } from '../faces/square.js';
import type { Sighting } from '../faces/track.js';
import { perSecond } from './frame-times.js';
import { readFrames } from './frames.js';
import { type KeyFrames, listKeyFrames } from './key-frames.js';
import { decoderArgs, evenExtent, outputRate } from './plan.js';
import type { VideoInfo } from './probe.js';
import { type FaceSearch, fullSearch } from './search-plan.js';
import { type Ffmpeg, noFrames, startTool } from './tools.js';

/** Longer side of the frames that are searched, px: the detector sees no more. */
const SURVEY_PX = 512;
/** Stride of the bytes that are compared with the frame before. */
const COMPARED_STRIDE = 97;
/** A cut changes frames by more than CUT_CHANGE, 0 to 1 of the range, and by more than CUT_RATIO times the changes before it. */
const CUT_CHANGE = 0.09;
const CUT_RATIO = 2;
/** A change counts by this factor less with each frame that follows it. */
const FADING = 0.85;

export interface SurveyOptions {
  input: string;
  /** What `probeVideo` says about the input. */
  info: VideoInfo;
  ffmpeg: Pick<Ffmpeg, 'filters' | 'decoders'>;
  detector: FaceDetector;
  /** In which frames faces are looked for; five times a second by default. */
  search?: FaceSearch;
  signal?: AbortSignal;
  /** Called with the number of frames that have been searched. */
  onProgress?: (frames: number) => void;
}

/** The faces that were seen in a video. */
export interface Survey {
  sightings: Sighting[];
  frames: number;
  framesPerSecond: number;
  /** Size of the frames in which the faces are placed, px: upright, with square pixels and even sides. */
  frameExtent: Extent;
}

/** @returns the mean difference of two frames, 0 to 1 of the range, from some of their bytes. */
function change(a: Uint8Array, b: Uint8Array): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i += COMPARED_STRIDE, count++) sum += Math.abs(a[i]! - b[i]!);
  return sum / (count * 255);
}

/** @returns a function that tells cuts from fast motion and from flicker, frame by frame. */
function cutDetector(): (frame: Uint8Array) => boolean {
  let before: Uint8Array | undefined;
  let recentChange = 0;
  return (frame) => {
    const currentChange = before === undefined ? 0 : change(before, frame);
    const isCut = currentChange > Math.max(CUT_CHANGE, CUT_RATIO * recentChange);
    recentChange = Math.max(currentChange, FADING * recentChange);
    before = frame;
    return isCut;
  };
}

/** @returns the size of the frames that are searched, px, and its ratio to that of the whole frames. */
function searchedExtent({ width, height }: Extent): Extent & { scale: number } {
  const scale = Math.min(1, SURVEY_PX / Math.max(width, height));
  const scaled = (length: number): number => Math.max(1, Math.round(length * scale));
  return { width: scaled(width), height: scaled(height), scale };
}

/** @returns the number in the video of a decoded frame, of all frames or of the key frames. */
function numberOf(decoded: number, keys: KeyFrames | undefined): number {
  return keys === undefined ? decoded : (keys.frames[decoded] ?? keys.total - 1);
}

/**
 * Decodes a video once, at a small size, and looks for faces in some of its frames.
 * @throws InputError if nothing can be decoded; InterruptedError after `signal`.
 */
export async function surveyFaces(options: SurveyOptions): Promise<Survey> {
  const { input, info, ffmpeg, detector, signal, onProgress } = options;
  const rate = outputRate(info, input);
  const framesPerSecond = perSecond(rate);
  const { stride, keyFramesOnly } = options.search ?? fullSearch(framesPerSecond);
  const frameExtent = evenExtent(info.extent);
  const { scale, ...extent } = searchedExtent(frameExtent);
  // Frames with times of their own are all decoded: key frames are numbered by a constant rate.
  const keys =
    keyFramesOnly && info.frameSeconds === undefined
      ? await listKeyFrames(input, info, framesPerSecond, signal)
      : undefined;
  const isKeyFramesOnly = keys !== undefined;
  const decoder = startTool(
    'ffmpeg',
    decoderArgs({ input, info, ffmpeg, rate, extent, keyFramesOnly: isKeyFramesOnly }),
  );
  decoder.stdin.end();
  const kill = (): void => decoder.kill();
  signal?.addEventListener('abort', kill, { once: true });
  const sightings: Sighting[] = [];
  let [decoded, shot] = [0, 0];
  const detectCut = cutDetector();
  try {
    for await (const frame of readFrames(decoder.stdout, extent.width * extent.height * 3, 1)) {
      if (signal?.aborted) break;
      const number = numberOf(decoded, keys);
      // Between key frames too much happens to see cuts.
      if (keys === undefined && detectCut(frame)) shot++;
      const last = sightings.at(-1);
      const since = number - (last?.frame ?? Number.NEGATIVE_INFINITY);
      // Rapid cuts do not make the search much denser.
      if (since >= stride || (shot !== last?.shot && since >= stride / 4)) {
        const detected = await detector.find({ data: frame, ...extent });
        const faces = detected.map((face) => scaledFace(face, 1 / scale));
        sightings.push({ frame: number, shot, faces });
      }
      decoded++;
      onProgress?.(number + 1);
    }
  } finally {
    signal?.removeEventListener('abort', kill);
    kill();
  }
  if (signal?.aborted) throw new InterruptedError('stopped while looking for faces');
  const { stderr } = await decoder.end;
  if (decoded === 0) throw noFrames(input, stderr);
  return { sightings, frames: keys?.total ?? decoded, framesPerSecond, frameExtent };
}
