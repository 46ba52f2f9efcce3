import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { addonFiles } from '../../src/setup/addon.js';
import { bindingDirectory, installedStamp, problemOfFiles, readStamp } from '../../src/setup/installed.js';
import { LIBRARY_FILES, libraryPlace } from '../../src/setup/library.js';
import { EngineSetup } from '../support/engine-setup.js';
import { fakeCompiler, fakePackages, TENSORFLOW_FILES } from '../support/fake-machine.js';

const COMPILED = [...LIBRARY_FILES, ...addonFiles(undefined)];
const EVERYTHING = ['download tensorflow-cpu', ...COMPILED.map((name) => `compile ${name}`)];

const setup = EngineSetup.prepare(TENSORFLOW_FILES);

/** The calls, with the wheel's name as it is on x64. */
async function calls(): Promise<string[]> {
  return (await setup.machine.calls()).map((line) => line.replace(/tensorflow$/, 'tensorflow-cpu'));
}

describe('setUpEngine', () => {
  test('downloads, compiles, checks and installs, and does nothing the second time', async () => {
    const first = await setup.run();
    expect(first).toMatchObject({ alreadyDone: false, device: 'cpu', tensorflow: '2.21.0', tfjs: '4.22.0' });
    expect(await calls()).toEqual(EVERYTHING);
    expect(await setup.installed()).toBe('good\n');
    // Not a program of the machine is called any more.
    for (const name of ['python3', 'c++']) await setup.machine.remove(name);
    expect(await setup.run()).toEqual({ ...first, alreadyDone: true });
  });

  test('installs a second checkout from the cache', async () => {
    await setup.run();
    for (const name of ['python3', 'c++']) await setup.machine.remove(name);
    setup.packages = await fakePackages(path.join(setup.machine.root, 'second'));
    expect(await setup.run()).toMatchObject({ alreadyDone: false });
    expect(await calls()).toEqual(EVERYTHING);
  });

  test('downloads and compiles once when it runs twice at the same time', async () => {
    const second = await fakePackages(path.join(setup.machine.root, 'second'));
    await Promise.all([setup.run(), setup.run({ packages: second })]);
    expect(await calls()).toEqual(EVERYTHING);
    expect(setup.events).toContainEqual({
      kind: 'step',
      text: `waiting for another set-up (process ${process.pid}) to finish`,
    });
  });

  test('downloads the library again if it is gone', async () => {
    const { libraries } = await setup.run();
    await fs.rm(libraries, { recursive: true });
    expect(await setup.run()).toMatchObject({ alreadyDone: false });
    expect(await calls()).toEqual([...EVERYTHING, 'download tensorflow-cpu']);
  });

  test('rebuilds a cached addon that does not load', async () => {
    await setup.machine.program('c++', fakeCompiler('bad'));
    const failure = setup.run();
    await expect(failure).rejects.toThrow(RunError);
    await expect(failure).rejects.toThrow('undefined symbol: TF_Something');
    await expect(fs.access(bindingDirectory(setup.packages))).rejects.toThrow('ENOENT');
    await setup.machine.program('c++', fakeCompiler('good'));
    await setup.run();
    expect(await calls()).toEqual([...EVERYTHING, ...EVERYTHING.slice(1)]);
    expect(setup.events).toContainEqual(expect.objectContaining({ kind: 'warning' }));
  });

  test('keeps a working addon if its replacement fails', async () => {
    await setup.run();
    const stamp = path.join(bindingDirectory(setup.packages), 'gnr-setup.json');
    await fs.rm(stamp);
    await fs.rm(setup.machine.env.GNR_CACHE_DIR!, { recursive: true });
    await setup.machine.program('c++', fakeCompiler('bad'));
    await expect(setup.run()).rejects.toThrow(RunError);
    expect(await setup.installed()).toBe('good\n');
  });
});

test('setUpEngine rebuilds and reinstalls if the sources of the addons have changed', async () => {
  await setup.run();
  const file = path.join(bindingDirectory(setup.packages), 'gnr-setup.json');
  const stamp = JSON.parse(await fs.readFile(file, 'utf8')) as object;
  await fs.writeFile(file, JSON.stringify({ ...stamp, sources: 'those of another version' }));
  expect(await setup.run()).toMatchObject({ alreadyDone: false });
});

describe('setUpEngine names before the download', () => {
  test('a missing compiler', async () => {
    await setup.machine.remove('c++');
    await expect(setup.run()).rejects.toThrow(/none of c\+\+, g\+\+ and clang\+\+.*apt install g\+\+/);
    expect(await calls()).toEqual([]);
  });

  test('a compiler of CXX that does not run', async () => {
    await expect(setup.run({ env: { ...setup.machine.env, CXX: 'nowhere/g++ -m64' } })).rejects.toThrow(
      'correct or unset CXX',
    );
    await setup.run({ env: { ...setup.machine.env, CXX: 'c++' } });
  });

  test('a missing pip', async () => {
    await setup.machine.program('python3', 'case "$*" in *pip*) exit 1 ;; *) echo 3 ;; esac');
    await expect(setup.run()).rejects.toThrow('apt install python3-pip');
  });

  test('too little disk space', async () => {
    await expect(setup.run({ freeBytes: 1e9 })).rejects.toThrow(/1\.\d GB free under .* but found 1\.0 GB/);
    expect(await calls()).toEqual([]);
  });

  test('a cache folder that cannot be created', async () => {
    const file = path.join(setup.machine.root, 'a file');
    await fs.writeFile(file, '');
    const failure = setup.run({ env: { ...setup.machine.env, GNR_CACHE_DIR: path.join(file, 'cache') } });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow('GNR_CACHE_DIR');
  });
});

test('setUpEngine quotes a compiler that fails', async () => {
  await setup.machine.program(
    'c++',
    '[ "$1" = --version ] && exit 0; echo "fatal error: no such header" >&2; exit 1',
  );
  const failure = setup.run();
  await expect(failure).rejects.toThrow(RunError);
  await expect(failure).rejects.toThrow(/no such header.*apt install g\+\+/);
});

describe('setUpEngine in a folder with programs and Python modules', () => {
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  test('runs none of them, even if PATH names that folder', async () => {
    const planted = path.join(setup.machine.root, 'planted');
    const packagesBin = path.join(planted, 'node_modules', '.bin');
    await fs.mkdir(packagesBin, { recursive: true });
    await fs.mkdir(path.join(planted, 'pip'));
    const ran = path.join(setup.machine.root, 'ran');
    for (const folder of [planted, packagesBin]) {
      for (const name of ['python3', 'c++', 'g++', 'nvidia-smi'])
        await fs.writeFile(path.join(folder, name), `#!/bin/sh\n: > ${ran}\n`, { mode: 0o755 });
    }
    for (const file of ['pip/__main__.py', 'pip/__init__.py', 'zipfile.py', 'sitecustomize.py'])
      await fs.writeFile(path.join(planted, file), `open(${JSON.stringify(ran)}, 'w')\n`);
    process.chdir(planted);
    const PATH = ['', '.', 'node_modules/.bin', packagesBin, setup.machine.bin].join(':');
    await setup.run({ env: { ...setup.machine.env, PATH, PYTHONPATH: '.' } });
    expect(await calls()).toEqual(EVERYTHING);
    await expect(fs.access(ran)).rejects.toThrow('ENOENT');
  });

  test('would run a program there if it used PATH as it stands', () => {
    const planted = path.join(setup.machine.root, 'program');
    writeFileSync(planted, '#!/bin/sh\necho planted\n', { mode: 0o755 });
    process.chdir(setup.machine.root);
    expect(execFileSync('program', { env: { PATH: '.' }, encoding: 'utf8' })).toBe('planted\n');
  });
});

test('setUpEngine says what it downloads, how much and where it is kept, before it does', async () => {
  await setup.run();
  const texts = setup.events.map((event) => (event.kind === 'step' ? event.text : event.kind));
  const at = texts.findIndex((text) => text.includes(setup.machine.env.GNR_CACHE_DIR!));
  expect(texts[at]).toMatch(/\d+ MB .* \d+ MB unpacked/);
  expect(at).toBeLessThan(texts.indexOf('progress'));
});

test('setUpEngine takes the build from GNR_DEVICE, and refuses another word there', async () => {
  expect(await setup.run({ env: { ...setup.machine.env, GNR_DEVICE: 'cpu' } })).toMatchObject({
    device: 'cpu',
  });
  await expect(setup.run({ env: { ...setup.machine.env, GNR_DEVICE: 'tpu' } })).rejects.toThrow(
    'in GNR_DEVICE',
  );
});

describe('an installed engine', () => {
  const stampOf = async () => (await installedStamp(setup.packages)) !== undefined;
  const problem = async () => {
    const directory = bindingDirectory(setup.packages);
    return problemOfFiles(directory, (await readStamp(directory))!);
  };

  test('is used while its files are those that were installed', async () => {
    await setup.run();
    expect([await stampOf(), await problem()]).toEqual([true, undefined]);
  });

  test('is not used if an addon has other content of the same size', async () => {
    await setup.run();
    await fs.writeFile(path.join(bindingDirectory(setup.packages), 'tfjs_binding.node'), 'evil\n');
    expect(await problem()).toMatch(/tfjs_binding\.node with other content$/);
    expect(await stampOf()).toBe(false);
    await setup.run();
    expect(await setup.installed()).toBe('good\n');
  });

  test('is not used if a library was replaced by another of the same size', async () => {
    const { libraries } = await setup.run();
    const library = path.join(libraries, LIBRARY_FILES[0]);
    await fs.writeFile(library, 'LIBRARY');
    await fs.utimes(library, 1e9, 1e9);
    expect(await problem()).toBe(`${library} with other content`);
    expect(await stampOf()).toBe(false);
  });

  test('is used if a library was copied, which changes its time alone', async () => {
    const { libraries } = await setup.run();
    await fs.utimes(path.join(libraries, LIBRARY_FILES[0]), 1e9, 1e9);
    expect(await problem()).toBeUndefined();
  });

  test('is not used if others can write to a library', async () => {
    const { libraries } = await setup.run();
    await fs.chmod(path.join(libraries, LIBRARY_FILES[0]), 0o666);
    expect(await problem()).toMatch(/libtensorflow_cc\.so\.2: everybody can write to it$/);
  });

  test('is set up again if its record is of an earlier version', async () => {
    await setup.run();
    const file = path.join(bindingDirectory(setup.packages), 'gnr-setup.json');
    const { hashes: _, ...earlier } = JSON.parse(await fs.readFile(file, 'utf8')) as Record<string, unknown>;
    await fs.writeFile(file, JSON.stringify(earlier));
    expect(await problem()).toBe('a record of another version of this program');
    expect(await setup.run()).toMatchObject({ alreadyDone: false });
  });
});

describe('the path of the cache', () => {
  test('may have commas and spaces in it, and the loader finds the library there', async () => {
    const log = path.join(setup.machine.root, 'arguments');
    await setup.machine.program('c++', `printf '%s\\n' "$@" >> ${log}\n${fakeCompiler('good')}`);
    const cache = path.join(setup.machine.root, 'a, b');
    await setup.run({ env: { ...setup.machine.env, GNR_CACHE_DIR: cache } });
    const words = (await fs.readFile(log, 'utf8')).trimEnd().split('\n');
    const linking = words.slice(words.lastIndexOf('-ldl'));
    const source = path.join(setup.machine.root, 'empty.cc');
    const addon = path.join(setup.machine.root, 'addon.so');
    await fs.writeFile(source, '');
    execFileSync('c++', ['-shared', '-fPIC', source, '-o', addon, ...linking]);
    const { libraries } = libraryPlace(cache, 'cpu', process.arch as 'x64' | 'arm64');
    expect((await fs.readFile(addon)).includes(`\0${libraries}\0`)).toBe(true);
  });

  test('may have no colon in it, at which the loader would split it', async () => {
    const env = { ...setup.machine.env, GNR_CACHE_DIR: path.join(setup.machine.root, 'a:b') };
    await expect(setup.run({ env })).rejects.toThrow(/a cache folder without a colon.*set GNR_CACHE_DIR/);
  });
});

test('setUpEngine makes the cache for this user alone', async () => {
  await setup.run();
  expect((await fs.stat(setup.machine.env.GNR_CACHE_DIR!)).mode & 0o777).toBe(0o700);
});
