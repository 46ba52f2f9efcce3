import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cacheDirectory } from '../../src/base/cache-directory.js';
import { findCompiler } from '../../src/setup/addon.js';
import { bindingDirectory, findPackages } from '../../src/setup/installed.js';
import { libraryIsComplete, libraryPlace } from '../../src/setup/library.js';
import { cudaLibraries, type NativeLoader, openLoader } from '../../src/setup/preload.js';
import { wheelsFor } from '../../src/setup/wheels.js';

const packages = await findPackages();
const addons = bindingDirectory(packages);
let folder: string;

beforeAll(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-preload-'));
});

afterAll(() => fs.rm(folder, { recursive: true, force: true }));

async function compile(source: string, output: string, ...more: string[]): Promise<void> {
  const [program, ...args] = await findCompiler(process.env);
  const include = `-I${path.join(packages.headers, 'include')}`;
  execFileSync(program!, [...args, '-std=c++17', '-fPIC', '-shared', include, source, '-o', output, ...more]);
}

describe('the loader', () => {
  const loader = openLoader(addons) as NativeLoader;

  test("returns the system's messages about files that do not load, in order", () => {
    const [missing, found] = loader.preload(['/no/such/libcusolver.so.11', 'libc.so.6']);
    expect(missing).toContain('/no/such/libcusolver.so.11: cannot open shared object file');
    expect(found).toBeNull();
    expect(loader.preload([])).toEqual([]);
    expect(() => loader.preload('libc.so.6' as unknown as string[])).toThrow(TypeError);
    expect(loader.loadQuietly('/no/such/library.so')).toContain('cannot open shared object file');
  });

  test('openLoader says why there is no loader', async () => {
    expect(openLoader(folder)).toContain('cannot open shared object file');
  });
});

const place = libraryPlace(cacheDirectory(), 'gpu', 'x64');
const isHere = process.arch === 'x64' && (await libraryIsComplete(place, wheelsFor('gpu', 'x64')!));
const why = isHere
  ? ''
  : ' [skipped: the CUDA build is not in the cache; npx gnr setup --device gpu fetches it]';

/** Whether the dynamic loader finds a library without us, as on a machine with an installation of CUDA. */
function isOnThisMachine(name: string): boolean {
  const { stdout } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  return stdout?.includes(`${name} `) ?? false;
}

describe.skipIf(!isHere)(`TensorFlow's own search for CUDA's libraries${why}`, () => {
  const PROBE = `
    const fs = require('node:fs');
    const { addons, probe, framework, libraries } = JSON.parse(process.argv[1]);
    const load = (file) => { const it = { exports: {} }; process.dlopen(it, file); return it.exports; };
    const failures = load(addons + '/gnr_preload.node').preload(libraries).filter((failure) => failure !== null);
    const found = load(probe).probe(framework);
    const files = fs.readFileSync('/proc/self/maps', 'utf8').match(/\\S+\\/lib(?:cu|nv|nccl)[^\\s]*/g) ?? [];
    console.log(JSON.stringify({ failures, found, files: [...new Set(files)] }));`;

  /** What TensorFlow finds in a process that loads these files first. @param root folder of tensorflow and nvidia. */
  function search(root: string, libraries: string[], env: NodeJS.ProcessEnv = {}) {
    const framework = path.join(root, 'tensorflow', 'libtensorflow_framework.so.2');
    const task = JSON.stringify({ addons, probe: path.join(folder, 'probe.node'), framework, libraries });
    const { LD_LIBRARY_PATH: _, ...rest } = process.env;
    const stdout = execFileSync(process.execPath, ['-e', PROBE, task], {
      encoding: 'utf8',
      env: { ...rest, TF_CPP_MIN_LOG_LEVEL: '2', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(stdout) as { failures: string[]; found: boolean; files: string[] };
  }

  /** The cache's folders as links, without some of NVIDIA's. */
  async function layoutWithout(...names: string[]): Promise<string> {
    const root = await fs.mkdtemp(path.join(folder, 'layout-'));
    await fs.symlink(place.libraries, path.join(root, 'tensorflow'));
    await fs.mkdir(path.join(root, 'nvidia'));
    for (const name of await fs.readdir(path.join(place.root, 'nvidia')))
      if (!names.includes(name))
        await fs.symlink(path.join(place.root, 'nvidia', name), path.join(root, 'nvidia', name));
    return root;
  }

  beforeAll(() =>
    compile(path.join(import.meta.dirname, 'gpu-probe.cc'), path.join(folder, 'probe.node'), '-ldl'),
  );

  test('succeeds after cudaLibraries were loaded from the folders of set-up', () => {
    const { failures, found } = search(place.root, cudaLibraries(place.libraries));
    expect(failures).toEqual([]);
    expect(found).toBe(true);
  });

  test.skipIf(isOnThisMachine('libcusolver.so.11'))(
    'fails without cudaLibraries, and if libcusolver is missing',
    async () => {
      expect(search(place.root, []).found).toBe(false);
      const root = await layoutWithout('cusolver');
      const { failures, found } = search(root, cudaLibraries(path.join(root, 'tensorflow')));
      expect(failures).toEqual([
        expect.stringContaining('nvidia/cusolver/lib/libcusolver.so.11: cannot open'),
      ]);
      expect(found).toBe(false);
    },
  );

  test('uses cudaLibraries even if LD_LIBRARY_PATH names others', async () => {
    const others = path.join(folder, 'others');
    await fs.mkdir(others);
    await fs.writeFile(path.join(folder, 'other.cc'), 'int other = 1;\n');
    const names = [
      'libcudart.so.12',
      'libcublas.so.12',
      'libcusolver.so.11',
      'libcudnn.so.9',
      'libcudnn_ops.so.9',
    ];
    for (const name of names)
      await compile(path.join(folder, 'other.cc'), path.join(others, name), `-Wl,-soname,${name}`);
    const env = { LD_LIBRARY_PATH: others };
    const { found, files } = search(place.root, cudaLibraries(place.libraries), env);
    expect(found).toBe(true);
    expect(files.filter((file) => file.startsWith(others))).toEqual([]);
    expect(files).toContain(path.join(place.root, 'nvidia/cuda_runtime/lib/libcudart.so.12'));
    // So it is without ours: this is what they are for.
    expect(search(place.root, [], env).files.some((file) => file.startsWith(others))).toBe(true);
  });

  test('set-up unpacks all files that are loaded first', () => {
    expect(cudaLibraries(place.libraries).filter((file) => !existsSync(file))).toEqual([]);
  });
});
