import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/data/decode.js';

const run = promisify(execFile);

/** Without what npm tells the programs that it runs, which another npm would take for its own options. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/.test(name)),
);

/** Whether a version of npm can be fetched. */
async function canFetch(npm: string): Promise<boolean> {
  try {
    await run('npx', ['--yes', npm, '--version'], { env: ENV, cwd: tmpdir() });
    return true;
  } catch (error) {
    process.stderr.write(
      `The tests with ${npm} are skipped, because it cannot be fetched: ${String(error)}\n`,
    );
    return false;
  }
}

const FETCHED = { 'npm@10': await canFetch('npm@10'), 'npm@11': await canFetch('npm@11') };

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

describe.each(Object.entries(FETCHED))('a clean clone with %s', (npm, isFetched) => {
  test.skipIf(!isFetched)(
    `installs and translates with ${npm}, and no package has run a script`,
    async () => {
      const options = { cwd: clone, env: ENV, maxBuffer: 2 ** 26 };
      await run('npx', ['--yes', npm, 'ci'], options);
      const packages = join(clone, 'node_modules');
      // Where the engine's own script would have put another TensorFlow.
      expect(await readdir(join(packages, '@tensorflow/tfjs-node-gpu'))).not.toContain('deps');
      expect(await readdir(join(packages, '@tensorflow/tfjs-node-gpu'))).not.toContain('lib');
      expect(await readdir(join(packages, '.bin'))).toContain('gnr');

      const gnr = (...words: string[]) => run('npx', ['--yes', npm, 'exec', '--', 'gnr', ...words], options);
      const version = await gnr('--version');
      expect(version.stderr).toContain('building the program');
      expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
      await gnr('translate', 'docs/translated.jpg', '--checkpoint', 'models/sample', '--out', 'anime');
      const [name = ''] = (await readdir(join(clone, 'anime'))).filter((file) => file.endsWith('.png'));
      expect((await decodeImage(join(clone, 'anime', name))).width).toBeGreaterThan(0);
      const doctor = await gnr('doctor', '--json');
      expect(JSON.parse(doctor.stdout)).toMatchObject({ engine: { backend: 'tensorflow' } });
    },
  );
});
