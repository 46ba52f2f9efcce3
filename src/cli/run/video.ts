// What `gnr video` does.
import { InputError } from '../../base/errors.js';
import type { World } from '../../distributed/world.js';
import { loadEngine } from '../../runtime/node.js';
import { makeStyles } from '../../translate/styles.js';
import type { Direction } from '../../translate/translator.js';
import { checkRequest, styleCounts, type VideoRequest } from '../../video/request.js';
import { helpTranslateVideoFile, translateVideoInStyles } from '../../video/translate-video-file.js';
import type { VideoFileTranslation } from '../../video/video-file-translation.js';
import { withInterrupt } from '../interrupt.js';
import { printError, printJson, printLine } from '../output.js';
import { startStages } from '../stages.js';
import { runTogether } from '../together.js';
import type { VideoArguments } from '../video.js';
import { chooseStyles, noteOtherModel } from './choose-styles.js';

/** Translates with progress on standard error, until Ctrl-C. */
async function translateShown(args: VideoArguments, world: World): Promise<VideoFileTranslation> {
  const { input, out: output, checkpoint, size, mosaic, styleSeconds, face, faceMargin, paste } = args;
  const options = { input, output, checkpoint, size, mosaic, styleSeconds, face, faceMargin, paste };
  checkRequest(options);
  const { choice, direction, recordedModel } = await chooseStyles(args, styleCounts(options));
  await world.broadcastValue(direction);
  const stages = startStages();
  const request: Omit<VideoRequest, 'signal'> = {
    ...options,
    onModel: (model) => noteOtherModel(recordedModel, model),
    onNotice: (text) => printError(`gnr: ${text}`),
    onProgress: ({ stage, frames, totalFrames }) =>
      stages.update({ label: stage, total: totalFrames, unit: 'frames' }, frames),
  };
  try {
    return await withInterrupt((signal) =>
      translateVideoInStyles(
        { ...request, signal },
        { direction, makeStyles: (translator) => makeStyles(choice, translator, direction) },
        world,
      ),
    );
  } finally {
    stages.close();
  }
}

/** Translates the video, together with the other ranks. @returns what was done; undefined on ranks other than 0. */
async function runInWorld(args: VideoArguments, world: World): Promise<VideoFileTranslation | undefined> {
  // The ranks of a machine share its processors and GPUs.
  if (world.size > 1) await loadEngine({ world });
  if (world.isFirst) return translateShown(args, world);
  const direction = await world.broadcastValue<Direction>('A2B');
  await withInterrupt((signal) =>
    helpTranslateVideoFile({ checkpoint: args.checkpoint, signal }, direction, world),
  );
  return undefined;
}

/** Translates the video and prints what was done. @throws InputError if the input ended early. */
export async function run(args: VideoArguments): Promise<void> {
  const translation = await runTogether((world) => runInWorld(args, world));
  if (translation === undefined) return;
  const { input, output, frames, expectedFrames, isTruncated } = translation;
  if (args.json) printJson(translation);
  else printLine(output);
  if (isTruncated)
    throw new InputError({
      expected: `${expectedFrames ?? 'more'} frames in ${input}`,
      found: `${frames} that can be decoded`,
      remedy: `get a complete copy of it; ${output} has what could be decoded`,
    });
}
