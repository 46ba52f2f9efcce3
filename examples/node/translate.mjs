// Translates an image in three styles: node translate.mjs PHOTO FOLDER [CHECKPOINT]
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { InputError, loadModel, saveImage, translate } from 'gans-n-roses';

/** The sample model, which comes with the package. */
const sample = fileURLToPath(new URL('models/sample', import.meta.resolve('gans-n-roses/package.json')));
const [photo, folder, checkpoint = sample] = process.argv.slice(2);

if (photo === undefined || folder === undefined) {
  process.stderr.write('usage: node translate.mjs PHOTO FOLDER [CHECKPOINT]\n');
  process.exit(2);
}

try {
  const model = await loadModel(checkpoint);
  await mkdir(folder, { recursive: true });
  const translations = await translate(model, photo, { styles: 3, seed: 1 });
  for (const [i, { image, style }] of translations.entries()) {
    const path = join(folder, `style-${i + 1}.png`);
    await saveImage(image, path, { style: [...style] });
    process.stdout.write(`${path}\n`);
  }
  model.dispose();
} catch (error) {
  // Wrong input has a message for people; anything else is a fault.
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
