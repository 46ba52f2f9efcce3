import { InterruptedError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import type { FaceDetector } from '../faces/detector.js';
import { scaledFace } from '../faces/square.js';
import type { Sighting } from '../faces/track.js';
import { readFrames } from './frames.js';
import { decoderArgs, evenExtent, outputRate, perSecond } from './plan.js';
import type { VideoInfo } from './probe.js';
import { noFrames, startTool } from './tools.js';

/** Longer side of the frames that are looked at, px: as much as the detector sees. */
const SURVEY_PX = 512;
const LOOKS_PER_SECOND = 5;
/** Every so manieth number of a frame is compared with the frame before. */
const COMPARED_STRIDE = 97;
/** A cut changes frames by more than this, 0 to 1 of the range, and by more than so many times the changes before it. */
const CUT_CHANGE = 0.09;
const CUT_RATIO = 2;
/** What is left of a change for that comparison, a frame later. */
const FADING = 0.85;

export interface SurveyOptions {
  input: string;
  /** Of `probeVideo`, for the same input. */
  info: VideoInfo;
  detector: FaceDetector;
  signal?: AbortSignal;
  /** Is told how many frames have been gone through. */
  onProgress?: (frames: number) => void;
}

/** What was seen in a video. */
export interface Survey {
  sightings: Sighting[];
  frames: number;
  framesPerSecond: number;
  /** Of the frames that the faces are told in, px: upright, with square pixels and even sides. */
  picture: Extent;
}

/** Mean difference of two frames, from some of their numbers. */
function change(a: Uint8Array, b: Uint8Array): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < a.length; i += COMPARED_STRIDE, count++) sum += Math.abs(a[i]! - b[i]!);
  return sum / (count * 255);
}

/** Tells cuts from motion, however fast, and from flicker. */
function cutDetector(): (frame: Uint8Array) => boolean {
  let before: Uint8Array | undefined;
  let usual = 0;
  return (frame) => {
    const now = before === undefined ? 0 : change(before, frame);
    const isCut = now > Math.max(CUT_CHANGE, CUT_RATIO * usual);
    usual = Math.max(now, FADING * usual);
    before = frame;
    return isCut;
  };
}

/**
 * Goes through a video once, at a small size, and looks for faces in some frames of each second, and behind cuts.
 * @throws InputError where nothing can be decoded; InterruptedError.
 */
export async function surveyFaces(options: SurveyOptions): Promise<Survey> {
  const { input, info, detector, signal, onProgress } = options;
  const rate = outputRate(info, input);
  const framesPerSecond = perSecond(rate);
  const picture = evenExtent(info.extent);
  const scale = Math.min(1, SURVEY_PX / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((length) =>
    Math.max(1, Math.round(length * scale)),
  ) as [number, number];
  const every = Math.max(1, Math.round(framesPerSecond / LOOKS_PER_SECOND));
  const args = decoderArgs({ input, index: info.index, rate, extent: { width, height } });
  const decoder = startTool('ffmpeg', args);
  decoder.stdin.end();
  const kill = (): void => decoder.kill();
  signal?.addEventListener('abort', kill, { once: true });
  const sightings: Sighting[] = [];
  let [frames, shot] = [0, 0];
  const detectCut = cutDetector();
  try {
    for await (const frame of readFrames(decoder.stdout, width * height * 3, 1)) {
      if (signal?.aborted) break;
      if (detectCut(frame)) shot++;
      const last = sightings.at(-1);
      const since = frames - (last?.frame ?? Number.NEGATIVE_INFINITY);
      // Where one cut follows the other, not much more often than elsewhere.
      if (since >= every || (shot !== last?.shot && since >= every / 4)) {
        const found = await detector.find({ data: frame, width, height });
        const faces = found.map((face) => scaledFace(face, 1 / scale));
        sightings.push({ frame: frames, shot, faces });
      }
      frames++;
      onProgress?.(frames);
    }
  } finally {
    signal?.removeEventListener('abort', kill);
    kill();
  }
  if (signal?.aborted) throw new InterruptedError('stopped while looking for faces');
  const { stderr } = await decoder.end;
  if (frames === 0) throw noFrames(input, stderr);
  return { sightings, frames, framesPerSecond, picture };
}
