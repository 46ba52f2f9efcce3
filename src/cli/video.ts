import type { Argv, CommandModule } from 'yargs';
import type { LazyFaceDetector } from '../faces/detector.js';
import { peakMemory } from '../runtime/memory.js';
import type { FaceTrajectory } from '../video/face-trajectory.js';
import type { VideoPlan } from '../video/plan.js';
import type { VideoInfo } from '../video/probe.js';
import type { StyleSchedule } from '../video/style-schedule.js';
import type { TranslatedVideo, TranslateVideoOptions } from '../video/translate-video.js';
import { chooseFaces, type FaceArguments, withFaceOptions } from './face-options.js';
import { withInterrupt } from './interrupt.js';
import { openModel } from './open-model.js';
import { printError, printJson, printLine, startProgress } from './output.js';
import {
  checkNumber,
  chooseStyles,
  noteOtherModel,
  type StyleArguments,
  withStyleOptions,
} from './style-options.js';

interface VideoArguments extends StyleArguments, FaceArguments {
  input: string;
  checkpoint: string;
  out: string;
  size: number | undefined;
  mosaic: boolean;
  styleSeconds: number | undefined;
  beats: number | undefined;
  json: boolean;
}

/** Styles that follow each other where nobody says how many. */
const DEFAULT_ROUND = 4;

async function checkOptions(args: VideoArguments): Promise<void> {
  const { size, styleSeconds, beats } = args;
  const { InputError } = await import('../base/errors.js');
  const clashing = [...(args.mosaic ? ['--mosaic'] : []), ...(size === undefined ? [] : ['--size'])];
  if (args.paste && clashing.length > 0)
    throw new InputError({
      expected: '--paste alone, whose video is as large as the input',
      found: `it with ${clashing.join(', ')}`,
      remedy: 'leave one out',
    });
  if (args.face === 'all' && !args.paste)
    throw new InputError({
      expected: '--paste with --face all: a video shows one picture at a time',
      found: 'it alone',
      remedy: 'add --paste, or take --face largest',
    });
  if (size !== undefined) {
    const isRight = Number.isInteger(size / 2) && size >= 16 && size <= 8192;
    await checkNumber(isRight, 'size', 'an even number from 16 to 8192', size);
  }
  if (styleSeconds !== undefined) {
    const isRight = styleSeconds > 0 && Number.isFinite(styleSeconds);
    await checkNumber(isRight, 'style-seconds', 'above 0', styleSeconds);
  }
  if (beats !== undefined) {
    const isRight = Number.isInteger(beats) && beats >= 1;
    await checkNumber(isRight, 'beats', 'a whole number from 1 on', beats);
  }
  if (styleSeconds !== undefined && beats !== undefined)
    throw new InputError({
      expected: 'one of --style-seconds and --beats',
      found: 'both',
      remedy: 'leave one out',
    });
}

/** @throws InputError where the number of styles is none that these options can show. */
async function checkStyleCount(args: VideoArguments, count: number): Promise<void> {
  const errors = await import('../base/errors.js');
  const { MOSAIC_STYLES } = await import('../video/canvas.js');
  const changes = args.styleSeconds !== undefined || args.beats !== undefined;
  const refuse = (expected: string, remedy: string) =>
    new errors.InputError({ expected, found: String(count), remedy });
  if (args.mosaic && count !== MOSAIC_STYLES)
    throw refuse(`${MOSAIC_STYLES} styles for --mosaic`, `give so many, or leave --styles out`);
  if (changes && count < 2)
    throw refuse('two styles or more to change between', 'add --styles, --style-image or --style-code');
  if (!args.mosaic && !changes && count > 1)
    throw refuse(
      'one style',
      'add --mosaic to see them beside each other, --style-seconds or --beats to see them one after another',
    );
}

/** Beats of the sound, with progress. */
async function beatsOf(input: string, info: VideoInfo, signal: AbortSignal): Promise<number[]> {
  const { audioBeats } = await import('../video/audio-beats.js');
  const total = info.seconds === undefined ? undefined : Math.round(info.seconds);
  const progress = startProgress({ label: 'listening', total, unit: 'seconds' });
  try {
    const onProgress = (seconds: number): void => progress.update(Math.round(seconds));
    const beats = await audioBeats(input, info, { signal, onProgress });
    if (beats.length === 0) printError('gnr: no beats were found in the sound: the style stays the same');
    return beats;
  } finally {
    progress.finish();
  }
}

/** @param beats where --beats asks for them. */
async function styleScheduleOf(
  { styleSeconds, beats: every = 1 }: VideoArguments,
  codes: readonly Float32Array[],
  beats: readonly number[] | undefined,
): Promise<StyleSchedule> {
  const courses = await import('../video/style-schedule.js');
  if (styleSeconds !== undefined) return courses.flowingStyles(codes, styleSeconds);
  if (beats === undefined) return courses.constantStyles(codes);
  const changes = beats.filter((_, i) => i > 0 && i % every === 0);
  return courses.changingStyles(codes, changes);
}

async function encodersOf(): Promise<Set<string>> {
  const { outputOf } = await import('../video/tools.js');
  const { parseEncoders } = await import('../video/plan.js');
  return parseEncoders((await outputOf('ffmpeg', ['-hide_banner', '-v', 'error', '-encoders'])).stdout);
}

/** Everything that is known before the model is loaded. */
async function prepare(args: VideoArguments) {
  await checkOptions(args);
  const { MOSAIC_STYLES } = await import('../video/canvas.js');
  const { containerOf } = await import('../video/plan.js');
  const { probeVideo } = await import('../video/probe.js');
  const { checkOutput } = await import('../video/translate-video.js');
  containerOf(args.out);
  const changes = args.styleSeconds !== undefined || args.beats !== undefined;
  const [usual, least] = args.mosaic ? [MOSAIC_STYLES, MOSAIC_STYLES] : changes ? [DEFAULT_ROUND, 2] : [1, 0];
  const chosen = await chooseStyles(args, usual, least);
  await checkOutput(args.input, args.out);
  const detector = await chooseFaces(args);
  return { ...chosen, detector, info: await probeVideo(args.input), encoders: await encodersOf() };
}

/** Goes through the video for its faces, with progress; undefined where there is none. */
async function facesOf(
  { input, face, faceMargin: margin, paste }: VideoArguments,
  info: VideoInfo,
  modelPx: number,
  detector: LazyFaceDetector,
): Promise<FaceTrajectory | undefined> {
  if (face === 'off') return undefined;
  const { faceTrajectory } = await import('../video/face-trajectory.js');
  const { surveyFaces } = await import('../video/face-survey.js');
  const { expectedFrames, outputRate } = await import('../video/plan.js');
  const total = expectedFrames(info, outputRate(info, input));
  const progress = startProgress({ label: 'looking for faces', total, unit: 'frames' });
  try {
    const onProgress = (frames: number): void => progress.update(frames);
    const survey = await withInterrupt(async (signal) =>
      surveyFaces({ input, info, detector: await detector.get(), signal, onProgress }),
    );
    const course = faceTrajectory(survey, { mode: face, margin, paste, modelPx });
    if ((course?.faces ?? 0) === 0)
      printError(
        `gnr: no face was found in ${input}: its frames are translated whole, as far as a centred square shows them`,
      );
    return course;
  } finally {
    progress.finish();
  }
}

/** Listens where beats are asked for, and translates, until Ctrl-C. */
async function run(
  args: VideoArguments,
  info: VideoInfo,
  codes: readonly Float32Array[],
  options: Pick<TranslateVideoOptions, 'translator' | 'direction' | 'plan' | 'faces'>,
): Promise<{ result: TranslatedVideo; beats: number[] | undefined }> {
  const { translateVideo } = await import('../video/translate-video.js');
  const { input, out: output, mosaic } = args;
  return withInterrupt(async (signal) => {
    const beats = args.beats === undefined ? undefined : await beatsOf(input, info, signal);
    const course = await styleScheduleOf(args, codes, beats);
    const total = options.plan.expectedFrames;
    const progress = startProgress({ label: 'translating', total, unit: 'frames' });
    try {
      const onProgress = (frames: number): void => progress.update(frames);
      const all = { ...options, input, output, course, mosaic, signal, onProgress };
      return { result: await translateVideo(all), beats };
    } finally {
      progress.finish();
    }
  });
}

async function video(args: VideoArguments): Promise<void> {
  const { choice, direction, recordedModel, detector, info, encoders } = await prepare(args);
  const { InputError } = await import('../base/errors.js');
  const { MOSAIC_CELLS } = await import('../video/canvas.js');
  const { planVideo } = await import('../video/plan.js');
  const { FRAMES_TOGETHER } = await import('../video/translate-video.js');
  const { makeStyles } = await import('../translate/styles.js');
  const { describeRecord } = await import('../images/record.js');
  const { mosaic, input, out } = args;
  const { translator, model } = await openModel(args.checkpoint, FRAMES_TOGETHER);
  noteOtherModel(recordedModel, model);
  try {
    const styles = await makeStyles(choice, translator, direction);
    await checkStyleCount(args, styles.length);
    const record = describeRecord({ model, direction, styles });
    const modelPx = translator.architecture.size;
    const faces = await facesOf(args, info, modelPx, detector);
    const plan = planVideo(info, {
      input,
      output: out,
      modelPx,
      whole: faces?.extent,
      isPasted: faces?.isPasted === true,
      cells: mosaic ? MOSAIC_CELLS : 1,
      outputPx: args.size,
      encoders,
      comment: JSON.stringify(record),
    });
    const codes = styles.map(({ code }) => code);
    const { result, beats } = await run(args, info, codes, { translator, direction, plan, faces });
    if (result.complaints !== null) printError(`gnr: ffmpeg on ${input}: ${result.complaints}`);
    if (args.json) printJson(answer(args, result, { modelPx, plan, faces, record, beats }));
    else printLine(out);
    if (result.isTruncated)
      throw new InputError({
        expected: `${plan.expectedFrames ?? 'more'} frames in ${input}`,
        found: `${result.frames} that can be decoded`,
        remedy: `get a whole copy of it; ${out} has what could be decoded`,
      });
  } finally {
    translator.dispose();
    await detector.dispose();
  }
}

function answer(
  { input, out, face }: VideoArguments,
  { frames, change, isTruncated, wallSeconds }: TranslatedVideo,
  made: {
    modelPx: number;
    plan: VideoPlan;
    faces: FaceTrajectory | undefined;
    record: object;
    beats: number[] | undefined;
  },
): object {
  const { modelPx, plan, faces, record, beats } = made;
  const ratio = change.input && change.output !== null ? change.output / change.input : null;
  return {
    input,
    output: out,
    frames,
    expectedFrames: plan.expectedFrames ?? null,
    seconds: frames / plan.framesPerSecond,
    fps: plan.framesPerSecond,
    modelPx,
    widthPx: plan.output.width,
    heightPx: plan.output.height,
    audio: plan.audio,
    ...(face === 'off' ? {} : { faces: faces?.faces ?? 0 }),
    ...(beats === undefined ? {} : { beats }),
    isTruncated,
    temporalConsistency: { inputChange: change.input, outputChange: change.output, ratio },
    wallSeconds,
    framesPerSecond: frames / wallSeconds,
    ...peakMemory(),
    record,
  };
}

export const videoCommand: CommandModule<object, VideoArguments> = {
  command: 'video <input>',
  describe: 'Translate a video with a trained model, its sound kept (needs ffmpeg)',
  builder: (yargs) =>
    withFaceOptions(
      withStyleOptions(
        yargs
          .positional('input', { type: 'string', demandOption: true, describe: 'A video file' })
          .option('checkpoint', {
            type: 'string',
            demandOption: true,
            describe: 'A checkpoint, a run (its newest), or an exported model',
          })
          .option('out', {
            type: 'string',
            demandOption: true,
            describe: 'The video to write: .mp4, .m4v, .mov, .mkv or .webm',
          })
          .option('size', { type: 'number', describe: "Side of the output, px [the model's]" })
          .option('mosaic', {
            type: 'boolean',
            default: false,
            describe: 'The original in the middle of eight styles',
          })
          .option('style-seconds', {
            type: 'number',
            describe: 'Go smoothly from style to style, in this many seconds each',
          })
          .option('beats', {
            type: 'number',
            describe: 'Change the style at every so many beats of the sound',
          }),
        '1; 8 for --mosaic; 4 for --style-seconds and --beats;',
      ),
      'off',
    )
      .option('json', { type: 'boolean', default: false, describe: 'What was done, as JSON' })
      .example('$0 video me.mp4 --checkpoint runs/first --out anime.mp4 --style-seconds 4', '')
      .example('$0 video party.mp4 --checkpoint runs/first --out anime.mp4 --face all --paste', '')
      .example(
        '$0 video me.mp4 --checkpoint runs/first --out grid.mp4 --mosaic --beats 4',
        '',
      ) as unknown as Argv<VideoArguments>,
  handler: (args) => video(args),
};
