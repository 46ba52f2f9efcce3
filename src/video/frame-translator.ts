// Translates the frames of a video, batch by batch.
import type { Extent } from '../base/geometry.js';
import { fromFloat, toFloat } from '../data/decode.js';
import { joinFloats } from '../data/image-arrays.js';
import { cropSquare } from '../faces/crop.js';
import { pasteSquare } from '../faces/paste.js';
import type { Direction, Translator } from '../translate/translator.js';
import { composeMosaic, MOSAIC_STYLES } from './canvas.js';
import { ChangeMeter } from './change-meter.js';
import type { FaceTrajectory, TranslatedSquare } from './face-trajectory.js';
import type { VideoPlan } from './plan.js';
import type { StyleSchedule } from './style-schedule.js';

export interface FrameTranslatorOptions {
  translator: Translator;
  direction: Direction;
  plan: Pick<VideoPlan, 'input' | 'secondsAt'>;
  schedule: StyleSchedule;
  /** Shows the original amid eight styles instead of one style. */
  mosaic: boolean;
  /** The faces to translate, in frames of the plan's input; by default the plan's centred squares are translated. */
  faces?: FaceTrajectory | undefined;
}

/** Mean absolute change between neighbouring frames, 0 to 1 of the range; null for a single frame. */
export interface FrameChange {
  input: number | null;
  output: number | null;
}

/** @returns the bytes of one RGB frame. */
export const bytesOf = ({ width, height }: Extent): number => width * height * 3;

/** What the network does for a batch of frames, on any rank. */
export interface StylingJob {
  /** Squares of frames, `[n, size, size, 3]`; n may be 0. */
  images: Uint8Array;
  /** Style codes `[n, latentDim]` for each cell of the output. */
  cells: Float32Array[];
}

/** Translates the images of a job. @returns `[n, size, size, 3]` for each cell. */
export function styleImages(
  { images, cells }: StylingJob,
  translator: Translator,
  direction: Direction,
): Uint8Array[] {
  if (images.length === 0) return cells.map(() => new Uint8Array());
  const { size } = translator.architecture;
  const content = translator.encode(direction, toFloat({ data: images }));
  // All images below each other are one tall image.
  return cells.map((codes) => fromFloat(translator.decode(content, codes), size, size * content.count).data);
}

/** A batch of frames whose images are being translated. */
interface Pending {
  frames: Uint8Array;
  images: Uint8Array;
  crops: { place: number; square: TranslatedSquare }[];
}

/**
 * Makes jobs of batches of frames, and frames of what the jobs give, and measures how input and output change. Batches may be
 * prepared while earlier ones are not finished; they are finished in order.
 */
export class FrameTranslator {
  /** Frames translated so far. */
  frames = 0;
  /** Frames prepared so far. */
  private prepared = 0;
  private readonly pending: Pending[] = [];
  private readonly size: number;
  private readonly inputMeter: ChangeMeter;
  private readonly outputMeters: ChangeMeter[];

  constructor(private readonly options: FrameTranslatorOptions) {
    const { plan, mosaic, faces, translator } = options;
    this.size = translator.architecture.size;
    const square = { width: this.size, height: this.size };
    const frameBytes = bytesOf(faces?.isPasted ? plan.input : square);
    this.inputMeter = new ChangeMeter(frameBytes);
    this.outputMeters = Array.from({ length: mosaic ? MOSAIC_STYLES : 1 }, () => new ChangeMeter(frameBytes));
  }

  /** @param frames `[n, height, width, 3]`, as the decoder gives them. */
  prepare(frames: Uint8Array): StylingJob {
    const { faces, plan, schedule } = this.options;
    const count = frames.length / bytesOf(plan.input);
    const crops = faces && this.crops(frames, faces, count);
    const images = crops ? Buffer.concat(crops.map(({ crop }) => crop)) : frames;
    const places = crops ? crops.map(({ place }) => place) : Array.from({ length: count }, (_, i) => i);
    const first = this.prepared;
    const cells = this.outputMeters.map((_, cell) =>
      joinFloats(places.map((place) => schedule.at(plan.secondsAt(first + place), cell))),
    );
    this.prepared += count;
    this.pending.push({
      frames,
      images,
      crops: (crops ?? []).map(({ place, square }) => ({ place, square })),
    });
    return { images, cells };
  }

  /** @param styled what `styleImages` gave for the first batch that is not finished. @returns frames of the canvas's size. */
  finish(styled: readonly Uint8Array[]): Uint8Array {
    const batch = this.pending.shift()!;
    const { faces, plan, mosaic } = this.options;
    this.frames += batch.frames.length / bytesOf(plan.input);
    if (faces?.isPasted) return this.paste(batch, styled[0]!);
    for (const [cell, meter] of this.outputMeters.entries()) meter.add(styled[cell]!);
    this.inputMeter.add(batch.images);
    return mosaic ? composeMosaic(batch.images, styled, this.size) : styled[0]!;
  }

  /** Pastes translated faces into copies of their frames. */
  private paste({ frames, crops }: Pending, styled: Uint8Array): Uint8Array {
    const { plan } = this.options;
    this.inputMeter.add(frames);
    const pasted = frames.slice();
    const bytes = bytesOf({ width: this.size, height: this.size });
    for (const [i, { place, square }] of crops.entries()) {
      const face = { data: styled.subarray(i * bytes, (i + 1) * bytes), width: this.size, height: this.size };
      pasteSquare({ data: frameAt(pasted, plan.input, place), ...plan.input }, face, square, square.strength);
    }
    this.outputMeters[0]!.add(pasted);
    return pasted;
  }

  /** Cuts out the squares of a batch of frames, at the model's size, each with its frame's place in the batch. */
  private crops(
    frames: Uint8Array,
    faces: FaceTrajectory,
    count: number,
  ): { place: number; square: TranslatedSquare; crop: Uint8Array }[] {
    const { input } = this.options.plan;
    return Array.from({ length: count }, (_, place) =>
      faces.squaresAt(this.prepared + place).map((square) => {
        const frame = { data: frameAt(frames, input, place), ...input };
        return { place, square, crop: cropSquare(frame, square, this.size) };
      }),
    ).flat();
  }

  /** @returns the change so far, for the output the mean over its cells. */
  change(): FrameChange {
    const changes = this.outputMeters.map((meter) => meter.meanChange());
    const known = changes.filter((change) => change !== null);
    const output = known.length === 0 ? null : known.reduce((sum, change) => sum + change, 0) / known.length;
    return { input: this.inputMeter.meanChange(), output };
  }
}

/** @returns one frame of a batch, without copying. */
function frameAt(frames: Uint8Array, extent: Extent, place: number): Uint8Array {
  return frames.subarray(place * bytesOf(extent), (place + 1) * bytesOf(extent));
}
