import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError, RunError } from '../../src/base/errors.js';
import { ADDON_FILES, type Packages } from '../../src/setup/addon.js';
import type { SetupEvent } from '../../src/setup/events.js';
import { bindingDirectory } from '../../src/setup/installed.js';
import { LIBRARY_FILES } from '../../src/setup/library.js';
import { type SetupOptions, setUpEngine } from '../../src/setup/setup.js';
import {
  deliver,
  type FakeMachine,
  fakeCompiler,
  fakeMachine,
  fakePackages,
  fakePython,
  TENSORFLOW_FILES,
  wheelsOf,
  writeWheel,
} from './fakes.js';

const COMPILED = [...LIBRARY_FILES, ...ADDON_FILES];
const EVERYTHING = ['download tensorflow-cpu', ...COMPILED.map((name) => `compile ${name}`)];

let machine: FakeMachine;
let packages: Packages;
let events: SetupEvent[];
let delivered: string;

function setUp(more: SetupOptions = {}) {
  const platform = { system: 'linux', architecture: process.arch, glibc: '2.36' };
  const onEvent = (event: SetupEvent) => void events.push(event);
  return setUpEngine({
    env: machine.env,
    packages,
    platform,
    root: machine.root,
    onEvent,
    freeBytes: 1e12,
    wheels: wheelsOf(delivered),
    ...more,
  });
}

/** The calls, with the wheel's name as it is on x64. */
async function calls(): Promise<string[]> {
  return (await machine.calls()).map((line) => line.replace(/tensorflow$/, 'tensorflow-cpu'));
}

beforeEach(async () => {
  machine = await fakeMachine();
  packages = await fakePackages(machine.root);
  events = [];
  delivered = path.join(machine.root, 'tensorflow.whl');
  writeWheel(delivered, TENSORFLOW_FILES);
  await machine.program('python3', fakePython(deliver(delivered)));
  await machine.program('c++', fakeCompiler('good'));
});

afterEach(() => machine.dispose());

describe('setUpEngine', () => {
  test('downloads, compiles, checks and installs, and does nothing the second time', async () => {
    const first = await setUp();
    expect(first).toMatchObject({ alreadyDone: false, device: 'cpu', tensorflow: '2.21.0', tfjs: '4.22.0' });
    expect(await calls()).toEqual(EVERYTHING);
    const installed = path.join(bindingDirectory(packages), 'tfjs_binding.node');
    expect(await fs.readFile(installed, 'utf8')).toBe('good\n');
    // Not a program of the machine is called any more.
    for (const name of ['python3', 'c++']) await machine.remove(name);
    expect(await setUp()).toEqual({ ...first, alreadyDone: true });
  });

  test('installs a second checkout from the cache', async () => {
    await setUp();
    for (const name of ['python3', 'c++']) await machine.remove(name);
    packages = await fakePackages(path.join(machine.root, 'second'));
    expect(await setUp()).toMatchObject({ alreadyDone: false });
    expect(await calls()).toEqual(EVERYTHING);
  });

  test('downloads and compiles once when it runs twice at the same time', async () => {
    const second = await fakePackages(path.join(machine.root, 'second'));
    await Promise.all([setUp(), setUp({ packages: second })]);
    expect(await calls()).toEqual(EVERYTHING);
    expect(events).toContainEqual({
      kind: 'step',
      text: `waiting for another set-up (process ${process.pid}) to finish`,
    });
  });

  test('downloads the library again if it is gone', async () => {
    const { libraries } = await setUp();
    await fs.rm(libraries, { recursive: true });
    expect(await setUp()).toMatchObject({ alreadyDone: false });
    expect(await calls()).toEqual([...EVERYTHING, 'download tensorflow-cpu']);
  });

  test('rebuilds a cached addon that does not load', async () => {
    await machine.program('c++', fakeCompiler('bad'));
    const failure = setUp();
    await expect(failure).rejects.toThrow(RunError);
    await expect(failure).rejects.toThrow('undefined symbol: TF_Something');
    await expect(fs.access(bindingDirectory(packages))).rejects.toThrow('ENOENT');
    await machine.program('c++', fakeCompiler('good'));
    await setUp();
    expect(await calls()).toEqual([...EVERYTHING, ...EVERYTHING.slice(1)]);
    expect(events).toContainEqual(expect.objectContaining({ kind: 'warning' }));
  });

  test('keeps a working addon if its replacement fails', async () => {
    await setUp();
    const stamp = path.join(bindingDirectory(packages), 'gnr-setup.json');
    await fs.rm(stamp);
    await fs.rm(machine.env.GNR_CACHE_DIR!, { recursive: true });
    await machine.program('c++', fakeCompiler('bad'));
    await expect(setUp()).rejects.toThrow(RunError);
    const installed = path.join(bindingDirectory(packages), 'tfjs_binding.node');
    expect(await fs.readFile(installed, 'utf8')).toBe('good\n');
  });
});

test('setUpEngine rebuilds and reinstalls if the sources of the addons have changed', async () => {
  await setUp();
  const file = path.join(bindingDirectory(packages), 'gnr-setup.json');
  const stamp = JSON.parse(await fs.readFile(file, 'utf8')) as object;
  await fs.writeFile(file, JSON.stringify({ ...stamp, sources: 'those of another version' }));
  expect(await setUp()).toMatchObject({ alreadyDone: false });
});

describe('setUpEngine names before the download', () => {
  test('a missing compiler', async () => {
    await machine.remove('c++');
    await expect(setUp()).rejects.toThrow(/none of c\+\+, g\+\+ and clang\+\+.*apt install g\+\+/);
    expect(await calls()).toEqual([]);
  });

  test('a compiler of CXX that does not run', async () => {
    await expect(setUp({ env: { ...machine.env, CXX: 'nowhere/g++ -m64' } })).rejects.toThrow(
      'correct or unset CXX',
    );
    await setUp({ env: { ...machine.env, CXX: 'c++' } });
  });

  test('a missing pip', async () => {
    await machine.program('python3', 'case "$*" in *pip*) exit 1 ;; *) echo 3 ;; esac');
    await expect(setUp()).rejects.toThrow('apt install python3-pip');
  });

  test('too little disk space', async () => {
    await expect(setUp({ freeBytes: 1e9 })).rejects.toThrow(/1\.\d GB free under .* but found 1\.0 GB/);
    expect(await calls()).toEqual([]);
  });

  test('a cache folder that cannot be created', async () => {
    const file = path.join(machine.root, 'a file');
    await fs.writeFile(file, '');
    const failure = setUp({ env: { ...machine.env, GNR_CACHE_DIR: path.join(file, 'cache') } });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow('GNR_CACHE_DIR');
  });
});

test('setUpEngine quotes a compiler that fails', async () => {
  await machine.program(
    'c++',
    '[ "$1" = --version ] && exit 0; echo "fatal error: no such header" >&2; exit 1',
  );
  const failure = setUp();
  await expect(failure).rejects.toThrow(RunError);
  await expect(failure).rejects.toThrow(/no such header.*apt install g\+\+/);
});

describe('setUpEngine in a folder with programs and Python modules', () => {
  const before = process.cwd();
  afterEach(() => process.chdir(before));

  test('runs none of them, even if PATH names that folder', async () => {
    const planted = path.join(machine.root, 'planted');
    const packagesBin = path.join(planted, 'node_modules', '.bin');
    await fs.mkdir(packagesBin, { recursive: true });
    await fs.mkdir(path.join(planted, 'pip'));
    const ran = path.join(machine.root, 'ran');
    for (const folder of [planted, packagesBin]) {
      for (const name of ['python3', 'c++', 'g++', 'nvidia-smi'])
        await fs.writeFile(path.join(folder, name), `#!/bin/sh\n: > ${ran}\n`, { mode: 0o755 });
    }
    for (const file of ['pip/__main__.py', 'pip/__init__.py', 'zipfile.py', 'sitecustomize.py'])
      await fs.writeFile(path.join(planted, file), `open(${JSON.stringify(ran)}, 'w')\n`);
    process.chdir(planted);
    const PATH = ['', '.', 'node_modules/.bin', packagesBin, machine.bin].join(':');
    await setUp({ env: { ...machine.env, PATH, PYTHONPATH: '.' } });
    expect(await calls()).toEqual(EVERYTHING);
    await expect(fs.access(ran)).rejects.toThrow('ENOENT');
  });

  test('would run a program there if it used PATH as it stands', () => {
    const planted = path.join(machine.root, 'program');
    writeFileSync(planted, '#!/bin/sh\necho planted\n', { mode: 0o755 });
    process.chdir(machine.root);
    expect(execFileSync('program', { env: { PATH: '.' }, encoding: 'utf8' })).toBe('planted\n');
  });
});

test('setUpEngine says what it downloads, how much and where it is kept, before it does', async () => {
  await setUp();
  const texts = events.map((event) => (event.kind === 'step' ? event.text : event.kind));
  const at = texts.findIndex((text) => text.includes(machine.env.GNR_CACHE_DIR!));
  expect(texts[at]).toMatch(/\d+ MB .* \d+ MB unpacked/);
  expect(at).toBeLessThan(texts.indexOf('progress'));
});

test('setUpEngine takes the build from GNR_DEVICE, and refuses another word there', async () => {
  expect(await setUp({ env: { ...machine.env, GNR_DEVICE: 'cpu' } })).toMatchObject({ device: 'cpu' });
  await expect(setUp({ env: { ...machine.env, GNR_DEVICE: 'tpu' } })).rejects.toThrow('in GNR_DEVICE');
});
