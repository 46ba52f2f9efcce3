// Translates the frames of a video, batch by batch.
import type { Extent } from '../base/geometry.js';
import { fromFloat, toFloat } from '../data/decode.js';
import { joinFloats } from '../data/image-arrays.js';
import { cropSquare } from '../faces/crop.js';
import { pasteSquare } from '../faces/paste.js';
import type { ContentCodes, Direction, Translator } from '../translate/translator.js';
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

/** Translates batches of frames, and measures how input and output change. */
export class FrameTranslator {
  /** Frames translated so far. */
  frames = 0;
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

  /** @param frames `[n, height, width, 3]`, as the decoder gives them. @returns as many frames of the canvas's size. */
  translate(frames: Uint8Array): Uint8Array {
    const { faces } = this.options;
    const translated = faces?.isPasted ? this.paste(frames, faces) : this.squares(frames, faces);
    this.frames += frames.length / bytesOf(this.options.plan.input);
    return translated;
  }

  /** Translates one square of each frame. */
  private squares(frames: Uint8Array, faces: FaceTrajectory | undefined): Uint8Array {
    const originals =
      faces === undefined ? frames : Buffer.concat(this.crops(frames, faces).map(({ crop }) => crop));
    const count = originals.length / bytesOf({ width: this.size, height: this.size });
    const places = Array.from({ length: count }, (_, i) => i);
    const content = this.options.translator.encode(this.options.direction, toFloat({ data: originals }));
    const styled = this.outputMeters.map((meter, cell) => {
      const frameBatch = this.decode(content, places, cell);
      meter.add(frameBatch);
      return frameBatch;
    });
    this.inputMeter.add(originals);
    return this.options.mosaic ? composeMosaic(originals, styled, this.size) : styled[0]!;
  }

  /** Translates the faces of all frames, and pastes them into copies of their frames. */
  private paste(frames: Uint8Array, faces: FaceTrajectory): Uint8Array {
    this.inputMeter.add(frames);
    const crops = this.crops(frames, faces);
    const pasted = frames.slice();
    if (crops.length > 0) {
      const { translator, direction, plan } = this.options;
      const content = translator.encode(
        direction,
        toFloat({ data: Buffer.concat(crops.map(({ crop }) => crop)) }),
      );
      const places = crops.map(({ place }) => place);
      const styled = this.decode(content, places, 0);
      const bytes = styled.length / crops.length;
      for (const [i, { place, square }] of crops.entries()) {
        const face = {
          data: styled.subarray(i * bytes, (i + 1) * bytes),
          width: this.size,
          height: this.size,
        };
        pasteSquare(
          { data: frameAt(pasted, plan.input, place), ...plan.input },
          face,
          square,
          square.strength,
        );
      }
    }
    this.outputMeters[0]!.add(pasted);
    return pasted;
  }

  /** Cuts out the squares of a batch of frames, at the model's size, each with its frame's place in the batch. */
  private crops(
    frames: Uint8Array,
    faces: FaceTrajectory,
  ): { place: number; square: TranslatedSquare; crop: Uint8Array }[] {
    const { input } = this.options.plan;
    const count = frames.length / bytesOf(input);
    return Array.from({ length: count }, (_, place) =>
      faces.squaresAt(this.frames + place).map((square) => {
        const frame = { data: frameAt(frames, input, place), ...input };
        return { place, square, crop: cropSquare(frame, square, this.size) };
      }),
    ).flat();
  }

  /** @param places the places of the images' frames in the batch. @returns `[n, size, size, 3]`. */
  private decode(content: ContentCodes, places: readonly number[], cell: number): Uint8Array {
    const { translator, plan, schedule } = this.options;
    const codes = places.map((place) => schedule.at(plan.secondsAt(this.frames + place), cell));
    // All images below each other are one tall image.
    return fromFloat(translator.decode(content, joinFloats(codes)), this.size, this.size * content.count)
      .data;
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
