// Kinds of numbers that several sections of the config use.
import { z } from 'zod';

/** A power of two from `low` to `high`. The JSON Schema lists the choices for editors. */
export function powerOfTwo(low: number, high: number, description: string) {
  const choices: number[] = [];
  for (let value = low; value <= high; value *= 2) choices.push(value);
  return z
    .number()
    .refine((value) => choices.includes(value), `one of ${choices.join(', ')}`)
    .meta({ description, enum: choices });
}

export const positive = () => z.number().positive();
export const fraction = () => z.number().min(0).max(1);
export const count = (low: number, high: number) => z.int().min(low).max(high);
export const everySteps = (description: string) => count(1, 1e9).describe(description);
