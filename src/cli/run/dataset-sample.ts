// What `gnr dataset sample` does.
import { countOf } from '../../base/count-of.js';
import { drawSampleDataset } from '../../sample/draw.js';
import type { SampleArguments } from '../dataset.js';
import { withInterrupt } from '../interrupt.js';
import { printJson, printLine, startProgress } from '../output.js';

/** Draws the sample dataset and reports what was drawn. @throws what `drawSampleDataset` throws. */
export async function run(args: SampleArguments): Promise<void> {
  const { dir, images, testImages, size, seed, family, json } = args;
  const progress = startProgress({ label: 'drawing', total: 2 * (images + testImages), unit: 'images' });
  const onProgress = (done: number): void => progress.update(done);
  try {
    await withInterrupt((signal) =>
      drawSampleDataset({ dir, images, testImages, size, seed, family, signal, onProgress }),
    );
  } finally {
    progress.finish();
  }
  if (json) return printJson({ dir, images, testImages, size, seed, family });
  printLine(
    `${dir}: trainA and trainB with ${countOf(images, 'image')} each, testA and testB with ${testImages}`,
  );
  printLine(`${size} px, family ${family}, seed ${seed}; factors.json says what each image was drawn from`);
}
