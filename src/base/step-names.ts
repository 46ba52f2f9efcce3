// The names of what belongs to a step of a run: `step-000500` is the name of a checkpoint's folder and begins those of files.

const DIGITS = 6;
const STEP_NAME = /^step-(\d{6,15})$/;

/** `step-000500` for 500. */
export function stepName(step: number): string {
  return `step-${String(step).padStart(DIGITS, '0')}`;
}

/** The step in a name without extension: 500 for `step-000500`, undefined for a name of another kind. */
export function parseStepName(name: string): number | undefined {
  const digits = STEP_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
