// Searches a video for faces.
import { InterruptedError } from '../base/errors.js';
import type { Extent } from '../base/geometry.js';
import type { FaceDetector } from '../faces/detector.js';
import { scaledFace } from '../faces/square.js';
import type { Sighting } from '../faces/track.js';
import { perSecond } from './frame-times.js';
import { readFrames } from './frames.js';
import { decoderArgs, evenExtent, outputRate } from './plan.js';
import type { VideoInfo } from './probe.js';
import { type Ffmpeg, noFrames, startTool } from './tools.js';

/** Longer side of the frames that are searched, px: the detector sees no more. */
const SURVEY_PX = 512;
const LOOKS_PER_SECOND = 5;
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

/**
 * Decodes a video once, at a small size, and looks for faces in some frames of each second, and after cuts.
 * @throws InputError if nothing can be decoded; InterruptedError after `signal`.
 */
export async function surveyFaces(options: SurveyOptions): Promise<Survey> {
  const { input, info, ffmpeg, detector, signal, onProgress } = options;
  const rate = outputRate(info, input);
  const framesPerSecond = perSecond(rate);
  const frameExtent = evenExtent(info.extent);
  const scale = Math.min(1, SURVEY_PX / Math.max(frameExtent.width, frameExtent.height));
  const [width, height] = [frameExtent.width, frameExtent.height].map((length) =>
    Math.max(1, Math.round(length * scale)),
  ) as [number, number];
  const searchStride = Math.max(1, Math.round(framesPerSecond / LOOKS_PER_SECOND));
  const args = decoderArgs({ input, info, ffmpeg, rate, extent: { width, height } });
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
      // Rapid cuts do not make the search much denser.
      if (since >= searchStride || (shot !== last?.shot && since >= searchStride / 4)) {
        const detected = await detector.find({ data: frame, width, height });
        const faces = detected.map((face) => scaledFace(face, 1 / scale));
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
  return { sightings, frames, framesPerSecond, frameExtent };
}
