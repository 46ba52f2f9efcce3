// The files of a run's sample grids: their names, columns and caption.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.js';
import { parseStepName, stepName } from '../../base/step-names.js';
import type { TranslatingWeights } from '../../gan/state.js';
import type { Direction } from '../../translate/translator.js';

const NAME = /^(.*?)(-raw)?\.png$/;

const TRANSLATIONS = [
  'its style',
  'style 1',
  'style 2',
  'its and back',
  '1 and back',
  '2 and back',
  'back in style 1',
] as const;

/** The column labels of a sample grid, in which the photos' rows stand above those of the anime images. */
export const SAMPLE_COLUMNS: Readonly<Record<Direction, readonly string[]>> = {
  A2B: ['photo', 'rebuilt', 'reference', ...TRANSLATIONS],
  B2A: ['anime', 'rebuilt', 'reference', ...TRANSLATIONS],
};

/** Explains the columns. */
export const SAMPLE_CAPTION =
  'Photos above, anime pictures below. Rebuilt: the picture from its own content and style, by the generator of its own ' +
  'domain (trained to do that where losses.identity is above 0). Then translated with the style of the reference and with ' +
  'two random styles, one for the whole column; each of the three back again, with the style of the picture; and style 1 ' +
  'back with the style that the encoder finds in it.';

/** The path of a sample grid: RUN/samples/step-000500.png, step-000500-raw.png. */
export function samplePath(runDir: string, step: number, weights: TranslatingWeights): string {
  const suffix = weights === 'raw' ? '-raw' : '';
  return join(samplesFolder(runDir), `${stepName(step)}${suffix}.png`);
}

/** The grids of one step: paths of PNG files. */
export type SampleFiles = { step: number } & Partial<Record<TranslatingWeights, string>>;

/** The grids of a run, in the order of their steps; none if the run has no samples. */
export async function listSamples(runDir: string): Promise<SampleFiles[]> {
  const folder = samplesFolder(runDir);
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const byStep = new Map<number, SampleFiles>();
  for (const name of names) {
    const [, stem = '', raw] = NAME.exec(name) ?? [];
    const step = parseStepName(stem);
    if (step === undefined) continue;
    const weights = raw === undefined ? 'ema' : 'raw';
    byStep.set(step, { ...(byStep.get(step) ?? { step }), [weights]: join(folder, name) });
  }
  return [...byStep.values()].sort((a, b) => a.step - b.step);
}

/** The folder of a run's sample grids. */
export function samplesFolder(runDir: string): string {
  return join(runDir, 'samples');
}
