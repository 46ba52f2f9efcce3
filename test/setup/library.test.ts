import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import {
  checkSpace,
  freeSpace,
  libraryIsComplete,
  libraryPlace,
  provideLibrary,
} from '../../src/setup/library.js';
import {
  deliver,
  type FakeMachine,
  fakeMachine,
  fakePython,
  TENSORFLOW_FILES,
  wheel,
  writeWheel,
} from './fakes.js';

let machine: FakeMachine;

beforeEach(async () => {
  machine = await fakeMachine();
});

afterEach(() => machine.dispose());

test('provideLibrary skips wheels that an interrupted set-up has unpacked', async () => {
  const file = path.join(machine.root, 'a.whl');
  writeWheel(file, TENSORFLOW_FILES);
  const other = path.join(machine.root, 'b.whl');
  writeWheel(other, { 'tensorflow/other.so': 'other' });
  const wheels = [wheel('first', { file }), wheel('second', { file: other })];
  const place = libraryPlace(path.join(machine.root, 'cache'), 'cpu', 'x64');
  const options = { wheels, env: machine.env, onEvent: () => undefined };

  await machine.program('python3', fakePython(`[ $NAME = second ] && exit 1; ${deliver(file)}`));
  await expect(provideLibrary(place, options)).rejects.toThrow('second 1.0');
  expect(await libraryIsComplete(place, wheels)).toBe(false);
  expect((await fs.readdir(path.dirname(place.root))).map((name) => path.extname(name))).toEqual([
    '.partial',
  ]);

  await machine.program('python3', fakePython(deliver(other)));
  await provideLibrary(place, options);
  expect(await libraryIsComplete(place, wheels)).toBe(true);
  expect(await machine.calls()).toEqual(['download first', 'download second', 'download second']);
  expect(await fs.readdir(path.dirname(place.root))).toEqual([path.basename(place.root)]);
});

test('libraryIsComplete is false if a file is truncated or missing, or the wheels are others', async () => {
  const file = path.join(machine.root, 'a.whl');
  writeWheel(file, TENSORFLOW_FILES);
  await machine.program('python3', fakePython(deliver(file)));
  const wheels = [wheel('first', { file })];
  const place = libraryPlace(path.join(machine.root, 'cache'), 'cpu', 'x64');
  await provideLibrary(place, { wheels, env: machine.env, onEvent: () => undefined });
  expect(await libraryIsComplete(place, [wheel('other')])).toBe(false);
  const library = path.join(place.libraries, 'libtensorflow_cc.so.2');
  await fs.truncate(library, 3);
  expect(await libraryIsComplete(place, wheels)).toBe(false);
  await fs.rm(library);
  expect(await libraryIsComplete(place, wheels)).toBe(false);
});

test('provideLibrary checks disk space before it downloads', async () => {
  await machine.program('python3', fakePython('exit 1'));
  const place = libraryPlace(path.join(machine.root, 'cache'), 'gpu', 'x64');
  const options = { wheels: [wheel('first')], env: machine.env, onEvent: () => undefined, freeBytes: 50e6 };
  await expect(provideLibrary(place, options)).rejects.toThrow(InputError);
  await expect(provideLibrary(place, options)).rejects.toThrow(/0\.1 GB free.*GNR_CACHE_DIR/);
  expect(await machine.calls()).toEqual([]);
});

test('freeSpace accepts a folder that does not exist yet', async () => {
  expect(await freeSpace(path.join(machine.root, 'not', 'yet'))).toBeGreaterThan(0);
  expect(() => checkSpace('somewhere', 10, 10)).not.toThrow();
});
