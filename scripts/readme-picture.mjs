// Makes the README's picture: runs the commands that stand below it, and keeps their grid as docs/translated.jpg.
// Needs `npm run build`; run it again when models/sample is another model.
//
//     node scripts/readme-picture.mjs
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const root = fileURLToPath(new URL('..', import.meta.url));
const PICTURE = 'docs/translated.jpg';
const QUALITY = 88;

/** The commands of the first block of code below the picture, each as a list of words without `npx`. */
function commandsBelow(readme) {
  const lines = readme.slice(readme.indexOf(`](${PICTURE})`)).split('\n');
  const first = lines.findIndex((line) => line.startsWith('    npx gnr '));
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('    '));
  if (first < 0) throw new Error(`Expected commands below ${PICTURE} in README.md but found none`);
  return lines.slice(first, end).map((line) => line.trim().split(/\s+/).slice(2));
}

/** The folder that a command writes to. */
function outOf(words) {
  const at = words.indexOf('--out');
  if (at < 0) throw new Error(`Expected --out in gnr ${words.join(' ')}`);
  return words[at + 1];
}

const commands = commandsBelow(await readFile(join(root, 'README.md'), 'utf8'));
const folder = await mkdtemp(join(tmpdir(), 'gnr-readme-picture-'));
try {
  for (const name of ['examples', 'models']) await symlink(join(root, name), join(folder, name));
  for (const words of commands) {
    const gnr = [join(root, 'bin/gnr.mjs'), ...words];
    const { status } = spawnSync(process.execPath, gnr, { cwd: folder, stdio: 'inherit' });
    if (status !== 0) throw new Error(`gnr ${words.join(' ')} ended with ${status}`);
  }
  const grid = join(folder, outOf(commands.at(-1)), 'grid.png');
  await sharp(grid)
    .jpeg({ quality: QUALITY, mozjpeg: true, chromaSubsampling: '4:4:4' })
    .toFile(join(root, PICTURE));
  process.stdout.write(`${PICTURE}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
