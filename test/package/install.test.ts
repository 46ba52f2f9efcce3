import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../src/data/decode.js';
import { fetchedNpms, runNpm } from '../support/npm.js';
import { type Packed, packPackage } from '../support/package.js';

/** What npm records of an installed package. */
interface Installed {
  hasInstallScript?: true;
  inBundle?: true;
}

const npms = await fetchedNpms();
let folder: string;
let packed: Packed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-install-'));
  if (npms.some(([, isFetched]) => isFetched)) packed = await packPackage(folder, { types: false });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(npms)('another project with %s', (npm, isFetched) => {
  test.skipIf(!isFetched)(
    `installs the package with ${npm} and no flags, has no package with an install script, and translates`,
    async () => {
      const project = join(folder, npm);
      await mkdir(project);
      await writeFile(join(project, 'package.json'), '{"name": "another", "version": "1.0.0"}');
      await cp(packed.path, join(project, basename(packed.path)));
      // Whatever this user's own settings are.
      const env = { npm_config_ignore_scripts: 'false' };
      const inProject = (...words: string[]) => runNpm(npm, project, words, env);
      await inProject('install', `./${basename(packed.path)}`);

      const readLock = () => readFile(join(project, 'package-lock.json'), 'utf8');
      const lock = await readLock();
      const { packages } = JSON.parse(lock) as { packages: Record<string, Installed> };
      const namesOf = (flag: keyof Installed) =>
        Object.keys(packages).filter((name) => packages[name]![flag]);
      expect(namesOf('hasInstallScript')).toEqual([]);
      const bundled = join('node_modules', 'gans-n-roses', 'node_modules', '@tensorflow');
      expect(namesOf('inBundle')).toEqual([join(bundled, 'tfjs'), join(bundled, 'tfjs-node-gpu')]);

      const own = join('node_modules', 'gans-n-roses');
      // The bundled packages come again; of others, npm 10 adds sharp's builds for other C libraries.
      const listed = async () => (await readdir(join(project, own), { recursive: true })).sort();
      const first = await listed();
      await inProject('ci');
      expect(await listed()).toEqual(first);
      expect(await readLock()).toBe(lock);

      const photo = join(own, 'examples', 'photos', 'astronaut.jpg');
      const words = ['translate', photo, '--checkpoint', join(own, 'models', 'sample'), '--out', 'anime'];
      await inProject('exec', '--', 'gnr', ...words);
      const [name = ''] = (await readdir(join(project, 'anime'))).filter((file) => file.endsWith('.png'));
      expect((await decodeImage(join(project, 'anime', name))).width).toBeGreaterThan(0);
    },
  );
});
