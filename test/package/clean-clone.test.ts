import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/data/decode.js';
import { fetchedNpms, runNpm } from '../support/npm.js';

const run = promisify(execFile);

let clone: string;

beforeEach(async () => {
  clone = join(await mkdtemp(join(tmpdir(), 'gnr-clone-')), 'clone');
  // The working tree, and not the last commit: what git knows or would add.
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  const deleted = (await run('git', ['ls-files', '-z', '--deleted'])).stdout.split('\0');
  for (const name of stdout.split('\0'))
    if (name !== '' && !deleted.includes(name)) await cp(resolve(name), join(clone, name));
});
afterEach(() => rm(join(clone, '..'), { recursive: true, force: true }));

describe.each(await fetchedNpms())('a clean clone with %s', (npm, isFetched) => {
  test.skipIf(!isFetched)(
    `installs and translates with ${npm}, and no package has run a script`,
    async () => {
      await runNpm(npm, clone, ['ci']);
      const packages = join(clone, 'node_modules');
      // Where the engine's own script would have put another TensorFlow.
      expect(await readdir(join(packages, '@tensorflow/tfjs-node-gpu'))).not.toContain('deps');
      expect(await readdir(join(packages, '@tensorflow/tfjs-node-gpu'))).not.toContain('lib');
      expect(await readdir(join(packages, '.bin'))).toContain('gnr');

      const gnr = (...words: string[]) => runNpm(npm, clone, ['exec', '--', 'gnr', ...words]);
      const version = await gnr('--version');
      expect(version.stderr).toContain('building the program');
      expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
      const photo = 'examples/photos/astronaut.jpg';
      await gnr('translate', photo, '--checkpoint', 'models/sample', '--out', 'anime');
      const [name = ''] = (await readdir(join(clone, 'anime'))).filter((file) => file.endsWith('.png'));
      expect((await decodeImage(join(clone, 'anime', name))).width).toBeGreaterThan(0);
      const doctor = await gnr('doctor', '--json');
      expect(JSON.parse(doctor.stdout)).toMatchObject({ engine: { backend: 'tensorflow' } });
    },
  );
});
