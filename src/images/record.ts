import { z } from 'zod';
import { InputError } from '../base/errors.js';
import type { Square } from '../base/geometry.js';
import { readImageBytes } from '../data/decode.js';
import { type Description, readDescription } from '../data/description.js';
import type { NamedStyle } from '../translate/styles.js';
import type { Direction } from '../translate/translator.js';

const MADE_BY = 'gans-n-roses';
/** Digits that tell every float32 from its neighbours. */
const FLOAT32_DIGITS = 9;

/** What a translated image's file says, so that the image can be made again. */
export interface TranslationRecord {
  /** SHA-256 of the model's weights, hex digits. */
  model?: string | undefined;
  direction: Direction;
  styles: NamedStyle[];
  /** Where in the upright photo the faces are that were translated, in whole px. */
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

/** A record as `encodeImage` takes it. */
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

/** A label that may become a part of a file's name, whatever a file said. */
function safeLabel(label: string, index: number): string {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_ .-]{0,99}$/u.test(label) ? label : `like-${index + 1}`;
}

/** What an image of `gnr translate` says of itself. @throws InputError where it says nothing, or there is no image. */
export async function readRecord(path: string): Promise<TranslationRecord> {
  const parsed = recordShape.safeParse(await readDescription(await readImageBytes(path)));
  if (!parsed.success)
    throw new InputError({
      expected: `an image with the record that gnr translate writes at ${path}`,
      found: 'one without it',
      remedy: 'name the file as gnr wrote it: other programs leave the record out when they save an image',
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
