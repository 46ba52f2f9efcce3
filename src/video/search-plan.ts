// Decides in which frames of a video faces are looked for.
import type { Extent } from '../base/geometry.js';
import type { ImageWork } from '../translate/image-work.js';

/** In which frames faces are looked for. */
export interface FaceSearch {
  /** Frames from one look to the next, at least. */
  stride: number;
  /** Looks at key frames alone: the others need not be decoded. Cuts are not searched for then. */
  keyFramesOnly: boolean;
}

/** The search of `largest` and `all`: five looks a second, and after cuts. */
const LOOKS_PER_SECOND = 5;
/** Fewer looks are not worth decoding all frames: key frames do. */
const MIN_LOOKS_PER_SECOND = 2;
/** Most time of the search, relative to that of the translation: a quarter of both together. */
const SHARE = 1 / 3;

/**
 * Milliseconds of processor time on two cores, of which only ratios count. They were measured side by side (docs/video.md), and
 * are constants rather than measured in every run, so that one video gives the same result every time and on every machine.
 */
const LOOK_MS = 160;
const MULTIPLICATIONS_PER_MS = 48e6;
const PIXELS_PER_MS = 4700;
/** Decoding a frame for the translation and for the search: a constant, and by its megapixels. */
const TRANSLATION_DECODE_MS = [0.2, 2.5] as const;
const SEARCH_DECODE_MS = [1.7, 4] as const;

const decodeMs = ([constant, perMegapixel]: readonly [number, number], { width, height }: Extent): number =>
  constant + (perMegapixel * width * height) / 1e6;

/** Returns the search of `largest` and `all`. */
export function fullSearch(framesPerSecond: number): FaceSearch {
  return { stride: Math.max(1, Math.round(framesPerSecond / LOOKS_PER_SECOND)), keyFramesOnly: false };
}

/**
 * Plans the search of `auto`, which takes at most a quarter of the time: up to five looks a second if all frames can be decoded
 * for it, else as many key frames as fit.
 *
 * @param work of translating a frame. @param extent size of the video's frames, px.
 */
export function planSearch(work: ImageWork, extent: Extent, framesPerSecond: number): FaceSearch {
  const frameMs =
    work.multiplications / MULTIPLICATIONS_PER_MS +
    work.pixels / PIXELS_PER_MS +
    decodeMs(TRANSLATION_DECODE_MS, extent);
  const full = fullSearch(framesPerSecond);
  // Frames that must be translated for one look, if each of them is decoded for the search too, and if none is.
  const withDecoding = LOOK_MS / Math.max(0, SHARE * frameMs - decodeMs(SEARCH_DECODE_MS, extent));
  if (withDecoding <= framesPerSecond / MIN_LOOKS_PER_SECOND)
    return { stride: Math.max(full.stride, Math.ceil(withDecoding)), keyFramesOnly: false };
  const keyFrame = LOOK_MS + decodeMs(SEARCH_DECODE_MS, extent);
  return {
    stride: Math.max(full.stride, Math.ceil(keyFrame / (SHARE * frameMs))),
    keyFramesOnly: true,
  };
}

/** Says what a search of `auto` looked at, and why. @param looks number of frames. */
export function describeSearch({ stride, keyFramesOnly }: FaceSearch, looks: number, fps: number): string {
  const frames = `${looks} ${keyFramesOnly ? 'key ' : ''}${looks === 1 ? 'frame' : 'frames'}`;
  if (stride === fullSearch(fps).stride && !keyFramesOnly) return `looked for in ${frames}`;
  return `looked for in ${frames} alone, to take at most a quarter of the time; --face largest looks ${LOOKS_PER_SECOND} times a second`;
}
