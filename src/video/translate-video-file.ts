// Translates a video file from start to finish: model, styles, faces, ffmpeg's arguments, frames.
import type { Description } from '../data/description.js';
import { checkSameModel, inStep } from '../distributed/share.js';
import { SOLO, type World } from '../distributed/world.js';
import { type FaceDetector, lazyFaceDetector } from '../faces/detector.js';
import { FACE_MARGIN, isPrepared } from '../faces/square.js';
import { chosenDirection, chosenStyles, type StyleOptions } from '../images/library-styles.js';
import { describeRecord } from '../images/record.js';
import { imageWork } from '../translate/image-work.js';
import { openModel } from '../translate/open-model.js';
import type { NamedStyle } from '../translate/styles.js';
import type { Direction, Translator } from '../translate/translator.js';
import { MOSAIC_CELLS } from './canvas.js';
import { containerOf } from './containers.js';
import { surveyFaces } from './face-survey.js';
import { faceTrajectory } from './face-trajectory.js';
import { perSecond, withFrameTimes } from './frame-times.js';
import { expectedFrames, outputRate, planVideo, type VideoPlan, videoEncoderFor } from './plan.js';
import { probeVideo, type VideoInfo } from './probe.js';
import { checkRequest, checkStyleCount, styleCounts, type VideoRequest } from './request.js';
import { describeSearch, fullSearch, planSearch } from './search-plan.js';
import { planSound } from './sound.js';
import { constantStyles, flowingStyles } from './style-schedule.js';
import { type Ffmpeg, readFfmpeg } from './tools.js';
import { checkOutput, FRAMES_TOGETHER, helpTranslateVideo, translateVideo } from './translate-video.js';
import {
  type FoundFaces,
  leftOutOf,
  translationOf,
  type VideoFileTranslation,
} from './video-file-translation.js';

/** A video to translate in random styles, or in styles given by their codes. */
export interface VideoFileRequest extends VideoRequest, StyleOptions {}

/** Where the styles of a video come from. */
export interface VideoStyles {
  direction: Direction;
  /** @returns the styles, once the model is there. */
  makeStyles(translator: Translator): NamedStyle[] | Promise<NamedStyle[]>;
}

/** Goes through the video for its faces. @returns undefined if none are looked for. */
async function facesOf(
  request: VideoRequest,
  info: VideoInfo,
  ffmpeg: Ffmpeg,
  architecture: Translator['architecture'],
  loadDetector: () => Promise<FaceDetector>,
): Promise<FoundFaces | undefined> {
  const { input, face: mode = 'off', faceMargin: margin = FACE_MARGIN, paste = false, signal } = request;
  const isPlanned = mode === 'auto';
  if (mode === 'off' || (isPlanned && !paste && isPrepared(info.extent, architecture.size))) return undefined;
  const rate = outputRate(info, input);
  const fps = perSecond(rate);
  const search = isPlanned ? planSearch(imageWork(architecture), info.extent, fps) : fullSearch(fps);
  const totalFrames = expectedFrames(info, rate);
  const onProgress = (frames: number): void =>
    request.onProgress?.({ stage: 'looking for faces', frames, totalFrames });
  const detector = await loadDetector();
  const survey = await surveyFaces({
    input,
    info,
    ffmpeg,
    detector,
    search,
    onProgress,
    ...(signal && { signal }),
  });
  const trajectory = faceTrajectory(survey, { mode, margin, paste, modelPx: architecture.size });
  const [faces, looks] = [trajectory?.faces ?? 0, survey.sightings.length];
  const how = isPlanned ? describeSearch(search, looks, fps) : '';
  if (faces === 0)
    request.onNotice?.(
      `no face was found in ${input}: its frames are translated whole, as far as a centred square shows them${how && ` (${how})`}`,
    );
  else if (isPlanned)
    request.onNotice?.(`${input} shows a face, which is followed (--face off: the centre); it was ${how}`);
  return { trajectory, faces, looks };
}

/** A translation that can begin. */
interface Prepared {
  translator: Translator;
  model: string;
  plan: VideoPlan;
  styles: NamedStyle[];
  found: FoundFaces | undefined;
  leftOut: string[];
  record: Description;
}

/** Does all that comes before the frames: probes the video, opens the model, looks for faces. */
async function prepareVideo(
  request: VideoRequest,
  { direction, makeStyles }: VideoStyles,
): Promise<Prepared> {
  const { input, output, mosaic = false, signal, onNotice } = request;
  checkRequest(request);
  containerOf(output);
  await checkOutput(input, output);
  const stated = await probeVideo(input, signal);
  const ffmpeg = await readFfmpeg(signal);
  videoEncoderFor(output, ffmpeg);
  const info = await withFrameTimes(stated, input, {
    signal,
    onProgress: (frames) => request.onProgress?.({ stage: 'reading times', frames, totalFrames: undefined }),
  });
  const { encoders } = ffmpeg;
  const sound = await planSound(info, { input, container: containerOf(output), encoders, signal });
  const { translator, model } = await openModel(request.checkpoint, {
    batch: FRAMES_TOGETHER,
    onSkipped: (dir, error) => onNotice?.(`skipped the damaged checkpoint ${dir}: ${error.message}`),
  });
  const detector = lazyFaceDetector();
  try {
    request.onModel?.(model);
    const styles = await makeStyles(translator);
    checkStyleCount(request, styles.length);
    const record = describeRecord({ model, direction, styles });
    const modelPx = translator.architecture.size;
    const found = await facesOf(request, info, ffmpeg, translator.architecture, detector.get);
    const faces = found?.trajectory;
    const plan = planVideo(info, {
      input,
      output,
      modelPx,
      whole: faces?.extent,
      part: faces?.part,
      isPasted: faces?.isPasted === true,
      cells: mosaic ? MOSAIC_CELLS : 1,
      outputPx: request.size,
      ffmpeg,
      sound,
      comment: JSON.stringify(record),
    });
    const leftOut = leftOutOf(info, sound.fates);
    for (const notice of plan.notices) onNotice?.(notice);
    if (plan.conversions.length > 0) onNotice?.(`${input}: its frames are ${plan.conversions.join(', ')}`);
    if (leftOut.length > 0) onNotice?.(`${output} has no ${leftOut.join(', ')}`);
    return { translator, model, plan, styles, found, leftOut, record };
  } catch (error) {
    translator.dispose();
    throw error;
  } finally {
    await detector.dispose();
  }
}

/**
 * Translates a video file in any styles: `translateVideoFile` and `gnr video` do so.
 * @param world ranks that share the frames: rank 0 makes this call, and the others `helpTranslateVideoFile`.
 * @throws what `translateVideoFile` throws.
 */
export async function translateVideoInStyles(
  request: VideoRequest,
  videoStyles: VideoStyles,
  world: World = SOLO,
): Promise<VideoFileTranslation> {
  const { input, output, mosaic = false, styleSeconds, signal, onNotice } = request;
  const { direction } = videoStyles;
  const prepared = await inStep(world, signal, () => prepareVideo(request, videoStyles));
  const { translator, model, plan, styles, found, leftOut, record } = prepared;
  try {
    await checkSameModel(world, model, request.checkpoint);
    const codes = styles.map(({ code }) => code);
    const schedule = styleSeconds === undefined ? constantStyles(codes) : flowingStyles(codes, styleSeconds);
    const faces = found?.trajectory;
    const onProgress = (frames: number): void =>
      request.onProgress?.({ stage: 'translating', frames, totalFrames: plan.expectedFrames });
    const result = await translateVideo({
      ...{ translator, direction, plan, faces, schedule, mosaic, input, output, onProgress, world },
      ...(signal && { signal }),
    });
    if (result.decoderErrors !== null) onNotice?.(`ffmpeg on ${input}: ${result.decoderErrors}`);
    const modelPx = translator.architecture.size;
    return translationOf(request, result, { modelPx, plan, found, leftOut, record });
  } finally {
    translator.dispose();
  }
}

/**
 * Translates frames of the video of rank 0. This rank needs the model, but neither the video nor ffmpeg.
 * @throws InputError if the model is missing or another one, or rank 0 throws one; InterruptedError after `signal`.
 */
export async function helpTranslateVideoFile(
  { checkpoint, signal }: Pick<VideoRequest, 'checkpoint' | 'signal'>,
  direction: Direction,
  world: World,
): Promise<void> {
  const { translator, model } = await inStep(world, signal, () =>
    openModel(checkpoint, { batch: FRAMES_TOGETHER }),
  );
  try {
    await checkSameModel(world, model, checkpoint);
    await helpTranslateVideo({ translator, direction, world, ...(signal && { signal }) });
  } finally {
    translator.dispose();
  }
}

/**
 * Translates a video file frame by frame, and keeps its sound. Needs ffmpeg and ffprobe on the PATH, or FFMPEG_PATH and
 * FFPROBE_PATH. The output appears under its name when it is complete; until then, and after an error, an earlier file
 * of that name stays.
 *
 * By default it shows one random style, eight for `mosaic`, and four for `styleSeconds`.
 *
 * @returns what was written. If the input is cut short, the output has what could be decoded, and `isTruncated` is true.
 * @throws InputError for a video that cannot be read, a missing ffmpeg, and options that do not fit, which it names as
 *   `gnr video` spells them; RunError if the output cannot be written; InterruptedError after `signal`.
 * @example
 * ```ts
 * import { translateVideoFile } from 'gans-n-roses';
 *
 * const { frames, seconds } = await translateVideoFile({
 *   checkpoint: 'runs/first',
 *   input: 'me.mp4',
 *   output: 'anime.mp4',
 *   seed: 7,
 *   styleSeconds: 4,
 *   onProgress: ({ stage, frames, totalFrames }) => console.log(stage, frames, totalFrames),
 * });
 * console.log(`${frames} frames, ${seconds} s`);
 * ```
 */
export async function translateVideoFile(request: VideoFileRequest): Promise<VideoFileTranslation> {
  const direction = chosenDirection(request);
  const { styles = styleCounts(request).defaultCount, seed = 0 } = request;
  return translateVideoInStyles(request, {
    direction,
    makeStyles: ({ architecture }) =>
      chosenStyles({ ...request, styles }, architecture.latentDim).map((code, index) => ({
        label: `style-${index + 1}`,
        code,
        ...(typeof styles === 'number' && { origin: { seed, index } }),
      })),
  });
}
