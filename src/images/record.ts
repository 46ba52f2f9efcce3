// The record of a translation in its image file, from which the image can be made again.
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { type Description, readDescription } from '../data/description.js';
import { readImageBytes } from '../data/image-file.js';
import type { NamedStyle } from '../translate/styles.js';
import type { Direction } from '../translate/translator.js';

const MADE_BY = 'gans-n-roses';
/** Digits that determine a float32 exactly. */
const FLOAT32_DIGITS = 9;

/** How an image was translated, so that it can be made again. */
export interface TranslationRecord {
  /** SHA-256 of the model's weights, hex digits. */
  model?: string | undefined;
  direction: Direction;
  styles: NamedStyle[];
  /** Places of the translated faces in the upright photo, whole px. */
  squares?: readonly Square[];
}

const recordShape = z.object({
  madeBy: z.literal(MADE_BY),
  model: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  direction: z.enum(['A2B', 'B2A']),
  styles: z
    .array(
      z.object({
        label: z.string(),
        code: z.array(z.number().refine((value) => Number.isFinite(Math.fround(value)))).min(1),
        origin: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      }),
    )
    .min(1),
});

/** Converts a record for `encodeImage`. */
export function describeRecord({ model, direction, styles, squares = [] }: TranslationRecord): Description {
  return {
    madeBy: MADE_BY,
    ...(model === undefined ? {} : { model }),
    direction,
    styles: styles.map(({ label, code, origin }) => ({
      label,
      code: Array.from(code, (value) => Number(value.toPrecision(FLOAT32_DIGITS))),
      ...(origin === undefined ? {} : { origin }),
    })),
    ...(squares.length === 0 ? {} : { squares }),
  };
}

/** Replaces a label that is unsafe in file names; labels come from unchecked files. */
function safeLabel(label: string, index: number): string {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_ .-]{0,99}$/u.test(label) ? label : `like-${index + 1}`;
}

/** Reads the record of an image that `gnr translate` wrote. @throws InputError if there is no image, or it has no record. */
export async function readRecord(path: string): Promise<TranslationRecord> {
  const parsed = recordShape.safeParse(await readDescription(await readImageBytes(path)));
  if (!parsed.success)
    throw new InputError({
      expected: `an image with the record that gnr translate writes at ${path}`,
      found: 'one without it',
      remedy: 'pass the file as gnr wrote it: other programs drop the record when they save an image',
    });
  const { model, direction, styles } = parsed.data;
  return {
    model,
    direction,
    styles: styles.map(({ label, code, origin }, i) => ({
      label: safeLabel(label, i),
      code: Float32Array.from(code),
      ...(origin === undefined ? {} : { origin }),
    })),
  };
}
