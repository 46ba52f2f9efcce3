import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError, InterruptedError, RunError } from '../../src/base/errors.js';
import { sha256 } from '../../src/base/hash.js';
import { checkPython, downloadWheel, unpackWheel } from '../../src/setup/download.js';
import type { SetupEvent } from '../../src/setup/events.js';
import {
  deliver,
  type FakeMachine,
  fakeMachine,
  fakePython,
  realPython,
  wheel,
  writeWheel,
} from '../support/fake-machine.js';

let machine: FakeMachine;
let folder: string;
let events: SetupEvent[];

function options(signal?: AbortSignal) {
  return { env: machine.env, onEvent: (event: SetupEvent) => events.push(event), signal };
}

beforeEach(async () => {
  machine = await fakeMachine();
  folder = path.join(machine.root, 'work');
  events = [];
});

afterEach(() => machine.dispose());

describe('checkPython', () => {
  test('names the missing interpreter and its package', async () => {
    await expect(checkPython(machine.env)).rejects.toThrow(InputError);
    await expect(checkPython(machine.env)).rejects.toThrow(
      /no python3 on PATH.*apt install python3 python3-pip/,
    );
  });

  test('names the missing pip and its package', async () => {
    await machine.program('python3', 'case "$*" in *pip*) exit 1 ;; *) echo 3 ;; esac');
    await expect(checkPython(machine.env)).rejects.toThrow(/python3 without pip.*apt install python3-pip/);
  });

  test('rejects Python 2, and uses the interpreter that PYTHON names', async () => {
    await machine.program('python3', 'echo 2');
    await expect(checkPython(machine.env)).rejects.toThrow('set PYTHON to a Python 3');
    await machine.program('other', fakePython(''));
    await checkPython({ ...machine.env, PYTHON: 'other' });
  });
});

describe('Python modules in the working directory of the user', () => {
  const before = process.cwd();
  let planted: string;

  beforeEach(async () => {
    planted = path.join(machine.root, 'planted');
    await fs.mkdir(path.join(planted, 'pip'), { recursive: true });
    const plant = `open(${JSON.stringify(path.join(machine.root, 'ran'))}, 'w')`;
    for (const file of ['pip/__init__.py', 'pip/__main__.py', 'zipfile.py', 'fnmatch.py'])
      await fs.writeFile(path.join(planted, file), plant);
    await machine.program('python3', `exec ${realPython} "$@"`);
  });

  afterEach(() => process.chdir(before));

  test('are not run by set-up', async () => {
    const file = path.join(machine.root, 'a.whl');
    writeWheel(file, { 'a.txt': 'a' });
    process.chdir(planted);
    // Whether this machine's Python has a pip is not the question.
    await checkPython(machine.env).catch(() => undefined);
    const env = { ...machine.env, PIP_NO_INDEX: '1', PYTHONPATH: `${planted}:.` };
    await expect(downloadWheel(wheel('some-wheel'), folder, { ...options(), env })).rejects.toThrow(
      InputError,
    );
    await unpackWheel(file, wheel('some-wheel'), path.join(machine.root, 'out'), { ...options(), env });
    expect(await fs.readFile(path.join(machine.root, 'out', 'a.txt'), 'utf8')).toBe('a');
    await expect(fs.access(path.join(machine.root, 'ran'))).rejects.toThrow('ENOENT');
  });

  test('would be run if Python ran there', () => {
    const env = { ...process.env, PYTHONSAFEPATH: '' };
    execFileSync(realPython, ['-m', 'pip', '--version'], { cwd: planted, env });
    return fs.access(path.join(machine.root, 'ran'));
  });
});

describe('downloadWheel', () => {
  test('returns the file that pip downloads, and reports progress up to its full size', async () => {
    const file = path.join(machine.root, 'a.whl');
    await fs.writeFile(file, 'wheel');
    await machine.program('python3', fakePython(deliver(file)));
    const pinned = wheel('some-wheel', { file });
    const got = await downloadWheel(pinned, folder, options());
    expect(await fs.readFile(got, 'utf8')).toBe('wheel');
    expect(events.at(-1)).toMatchObject({ kind: 'progress', done: 1000, total: 1000 });
    expect(await fs.readFile(path.join(folder, 'requirements.txt'), 'utf8')).toContain(
      `--hash=sha256:${pinned.sha256}`,
    );
  });

  test('refuses another file than the pinned one, even if pip accepts it', async () => {
    const file = path.join(machine.root, 'a.whl');
    await fs.writeFile(file, 'another wheel');
    await machine.program('python3', fakePython(deliver(file)));
    const failure = downloadWheel(wheel('some-wheel'), folder, options());
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(`found sha256 ${sha256('another wheel')}`);
  });

  test.each([
    [
      `echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.' >&2
       echo '             Got        ${'ab'.repeat(32)}' >&2`,
      `found sha256 ${'ab'.repeat(32)}`,
    ],
    [
      `echo 'WARNING: Retrying after connection broken by NewConnectionError: Name or service not known' >&2
       echo 'ERROR: Could not find a version that satisfies the requirement' >&2`,
      'check the network',
    ],
    [
      `echo "WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', timeout)'" >&2`,
      'set HTTPS_PROXY to the proxy of this network',
    ],
    [
      `echo 'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device' >&2`,
      'full disk',
    ],
    [
      `echo 'ERROR: some-wheel==1.0 is not a supported wheel on this platform.' >&2`,
      'is not a supported wheel',
    ],
  ])('explains a failure of pip: %#', async (script, text) => {
    await machine.program('python3', fakePython(`${script}; exit 1`));
    const failure = downloadWheel(wheel('some-wheel'), folder, options());
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(text);
    await expect(failure).rejects.toThrow('some-wheel 1.0');
  });

  test('stops when asked to', async () => {
    await machine.program('python3', fakePython('while :; do :; done'));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    const failure = downloadWheel(wheel('some-wheel'), folder, options(controller.signal));
    await expect(failure).rejects.toThrow(InterruptedError);
  });
});

describe('unpackWheel', () => {
  const members = { 'a/lib/x.so': 'x'.repeat(5000), 'a/lib/x.py': 'y', 'a/b/lib/z.so.2': 'zz', 'c.txt': 'c' };

  test('unpacks only the members to keep, and reports progress in bytes', async () => {
    await machine.program('python3', fakePython(''));
    const file = path.join(machine.root, 'a.whl');
    writeWheel(file, members);
    await unpackWheel(file, wheel('some-wheel', { keep: ['a/*.so*', 'c.txt'] }), folder, options());
    const found = await fs.readdir(folder, { recursive: true, withFileTypes: true });
    const files = found
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    expect(files.map((name) => path.relative(folder, name)).sort()).toEqual([
      'a/b/lib/z.so.2',
      'a/lib/x.so',
      'c.txt',
    ]);
    expect(await fs.readFile(path.join(folder, 'a/lib/x.so'), 'utf8')).toBe(members['a/lib/x.so']);
    expect(events.at(-1)).toMatchObject({ done: 5003, total: 5003 });
  });

  test('fails on a damaged file, and on one without the members to keep', async () => {
    await machine.program('python3', fakePython(''));
    const file = path.join(machine.root, 'a.whl');
    await fs.writeFile(file, 'not a zip file');
    await expect(unpackWheel(file, wheel('some-wheel'), folder, options())).rejects.toThrow(RunError);
    writeWheel(file, members);
    const none = unpackWheel(file, wheel('some-wheel', { keep: ['none/*'] }), folder, options());
    await expect(none).rejects.toThrow('has none of the files that are needed');
  });

  test('makes programs executable for every user', async () => {
    await machine.program('python3', fakePython(''));
    const file = path.join(machine.root, 'a.whl');
    execFileSync(realPython, [
      '-c',
      `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as archive:
    for name, mode in (('bin/ptxas', 0o744), ('lib/x.so', 0o600)):
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, 'x')`,
      file,
    ]);
    await unpackWheel(file, wheel('some-wheel'), folder, options());
    const modeOf = async (name: string) => (await fs.stat(path.join(folder, name))).mode & 0o777;
    expect(await modeOf('bin/ptxas')).toBe(0o755);
    expect(await modeOf('lib/x.so')).toBe(0o644);
  });

  test('rejects members that would leave the folder', async () => {
    await machine.program('python3', fakePython(''));
    const file = path.join(machine.root, 'a.whl');
    writeWheel(file, { '../outside.so': 'x' });
    await expect(unpackWheel(file, wheel('some-wheel'), folder, options())).rejects.toThrow(
      'unsafe member name',
    );
    expect(await fs.readdir(machine.root)).not.toContain('outside.so');
  });
});
