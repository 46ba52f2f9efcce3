// Downloads wheels with pip and unpacks the files that are needed.
import fs from 'node:fs/promises';
import path from 'node:path';
import { InputError, RunError } from '../base/errors.js';
import { sha256OfFile } from '../base/hash.js';
import { type Finished, lastLines, type RunOptions, runProgram } from '../base/run-program.js';
import type { OnSetupEvent } from './events.js';
import type { Wheel } from './wheels.js';

const POLL_MILLISECONDS = 500;

/** Streams members of a wheel (a zip file) into a folder, one mebibyte at a time, and prints the bytes done. */
const UNPACK_SCRIPT = `
import fnmatch, os, sys, zipfile
wheel, folder, patterns = sys.argv[1], sys.argv[2], sys.argv[3:]
with zipfile.ZipFile(wheel) as archive:
    members = [m for m in archive.infolist() if not m.is_dir()
               and any(fnmatch.fnmatchcase(m.filename, p) for p in patterns)]
    total, done, reported = sum(m.file_size for m in members), 0, 0
    for member in members:
        parts = member.filename.split('/')
        if '..' in parts or parts[0] == '':
            sys.exit('unsafe member name ' + member.filename)
        target = os.path.join(folder, *parts)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(member) as source, open(target, 'wb') as sink:
            while True:
                chunk = source.read(1 << 20)
                if not chunk:
                    break
                sink.write(chunk)
                done += len(chunk)
                if done - reported >= 16 << 20:
                    reported = done
                    print(done, total, flush=True)
        mode = (member.external_attr >> 16) & 0o777
        # Every user who may read a program, such as ptxas, may run it.
        os.chmod(target, 0o755 if mode & 0o111 else mode | 0o644)
    print(done, total, flush=True)
`;

export interface FetchOptions {
  /** By default, an isolated one. */
  pip?: Pip | undefined;
  env: NodeJS.ProcessEnv;
  signal?: AbortSignal | undefined;
  onEvent: OnSetupEvent;
}

/** The Python interpreter to call: `PYTHON`, else `python3`. */
export function pythonProgram(env: NodeJS.ProcessEnv): string {
  return env.PYTHON || 'python3';
}

/** Options of an interpreter that imports neither from the working directory nor from PYTHONPATH. */
const ISOLATED = ['-I'];

/**
 * Runs Python so that it imports nothing of the user's folders: not from the working directory, which is one of set-up's
 * own, and with ISOLATED not from PYTHONPATH. PYTHONSAFEPATH (Python 3.11) says so to what pip starts, too.
 */
function runPython(args: readonly string[], options: RunOptions): Promise<Finished> {
  const env = { ...(options.env ?? process.env), PYTHONSAFEPATH: '1' };
  return runProgram(pythonProgram(env), args, { ...options, env });
}

/** How to call the machine's pip. */
export interface Pip {
  /** Options of Python that come before `-m pip`. */
  options: readonly string[];
}

/**
 * Checks that there is a Python 3 with pip.
 * @returns how to call pip: isolated, unless it is installed for this user only or on PYTHONPATH.
 * @throws InputError if there is no Python 3, or it has no pip.
 */
export async function checkPython(env: NodeJS.ProcessEnv): Promise<Pip> {
  const python = pythonProgram(env);
  const expected = `Python 3 with pip, which downloads TensorFlow's library`;
  const question = 'import sys, zipfile; print(sys.version_info[0])';
  const version = await runPython([...ISOLATED, '-c', question], { env });
  if (version.code === undefined) {
    const remedy = 'install both (apt install python3 python3-pip) or set PYTHON to a Python 3';
    throw new InputError({ expected, found: `no ${python} on PATH`, remedy });
  }
  if (version.code !== 0 || version.stdout.trim() !== '3') {
    const found = `${python} that is not a working Python 3`;
    throw new InputError({ expected, found, remedy: 'set PYTHON to a Python 3' });
  }
  for (const options of [ISOLATED, []]) {
    if ((await runPython([...options, '-m', 'pip', '--version'], { env })).code === 0) return { options };
  }
  const remedy = 'install it (apt install python3-pip)';
  throw new InputError({ expected, found: `${python} without pip`, remedy });
}

/** The line of a pip requirements file that accepts only this wheel. */
export function requirementLine(wheel: Wheel): string {
  return `${wheel.name}==${wheel.version} --hash=sha256:${wheel.sha256}\n`;
}

function pipArguments(pip: Pip, wheel: Wheel, requirements: string, folder: string): string[] {
  return [
    ...pip.options,
    ...['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--require-hashes'],
    // With explicit tags any Python 3 downloads the pinned wheel, whatever its own version.
    ...['--python-version', '3.11', '--implementation', 'cp', '--abi', wheel.abi],
    ...['--platform', wheel.platform],
    ...['--no-cache-dir', '--progress-bar', 'off', '--disable-pip-version-check', '--no-input'],
    ...['--retries', '3', '--timeout', '30', '--dest', folder, '--requirement', requirements],
  ];
}

/** The error for a wheel that is not the pinned one. @param actual its hash, if known. */
function hashError(wheel: Wheel, actual: string | undefined): InputError {
  return new InputError({
    expected: `the wheel of ${wheel.name} ${wheel.version} with sha256 ${wheel.sha256}`,
    found: actual ? `sha256 ${actual}` : 'another file',
    remedy: 'check the package index that pip uses (python3 -m pip config list) and try again',
  });
}

/** The error that explains why pip failed. */
function downloadError(wheel: Wheel, finished: Finished): InputError {
  const output = `${finished.stdout}\n${finished.stderr}`;
  const file = `${wheel.name} ${wheel.version}`;
  if (/DO NOT MATCH THE HASHES/.test(output)) {
    return hashError(wheel, /Got\s+([0-9a-f]{64})/.exec(output)?.[1]);
  }
  if (/No space left on device|Errno 28/.test(output)) {
    return new InputError({
      expected: `disk space for the wheel of ${file}`,
      found: 'a full disk',
      remedy: 'free space, or name a cache folder on a larger disk in GNR_CACHE_DIR',
    });
  }
  if (/ProxyError|Cannot connect to proxy|407 Proxy/i.test(output))
    return new InputError({
      expected: `pip to download ${file}`,
      found: 'a proxy that does not answer, or does not let it through',
      remedy:
        'set HTTPS_PROXY to the proxy of this network (with its user and password), or unset it if there is none',
    });
  const errors = output.split('\n').filter((line) => line.startsWith('ERROR:'));
  const network = /resolve|connection|timed? ?out|retrying|proxy|unreachable|ssl/i.test(output);
  return new InputError({
    expected: `pip to download ${file}`,
    found: network ? `no connection to the package index` : lastLines(errors.join('\n') || output, 1),
    remedy:
      'check the network and the package index that pip uses (python3 -m pip config list) and try again',
  });
}

/** Total size of all files under a folder, bytes. */
async function bytesUnder(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await fs.readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    // Files appear and disappear while pip works.
    sum += await fs.stat(path.join(entry.parentPath, entry.name)).then(
      (stat) => stat.size,
      () => 0,
    );
  }
  return sum;
}

/**
 * Downloads one wheel with pip into an empty work folder, and checks its hash, as pip should have done.
 * @returns the path of the wheel.
 * @throws InputError if the index cannot be reached, the file has another hash, or the disk is full.
 */
export async function downloadWheel(wheel: Wheel, folder: string, options: FetchOptions): Promise<string> {
  const { pip = { options: ISOLATED }, env, signal, onEvent } = options;
  const requirements = path.join(folder, 'requirements.txt');
  await fs.mkdir(folder, { recursive: true });
  await fs.writeFile(requirements, requirementLine(wheel));
  const label = `downloading ${wheel.name} ${wheel.version}`;
  const report = (done: number) =>
    onEvent({ kind: 'progress', label, done: Math.min(done, wheel.bytes), total: wheel.bytes });
  report(0);
  const poll = setInterval(() => void bytesUnder(folder).then(report), POLL_MILLISECONDS);
  let finished: Finished;
  try {
    finished = await runPython(pipArguments(pip, wheel, requirements, folder), {
      cwd: folder,
      // pip writes to the temporary folder first. Inside ours its growth is visible, and it is removed with ours.
      env: { ...env, LC_ALL: 'C.UTF-8', TMPDIR: folder, PIP_REQUIRE_VIRTUALENV: '0' },
      signal,
    });
  } finally {
    clearInterval(poll);
  }
  const name = (await fs.readdir(folder)).find((file) => file.endsWith('.whl'));
  if (finished.code !== 0 || !name) throw downloadError(wheel, finished);
  report(wheel.bytes);
  const file = path.join(folder, name);
  const actual = await sha256OfFile(file);
  if (actual !== wheel.sha256) throw hashError(wheel, actual);
  return file;
}

/**
 * Unpacks the members of a wheel that are needed into a folder.
 * @throws InputError if the disk is full, RunError if unpacking fails otherwise.
 */
export async function unpackWheel(
  file: string,
  wheel: Wheel,
  folder: string,
  options: FetchOptions,
): Promise<void> {
  const { env, signal, onEvent } = options;
  const label = `unpacking ${wheel.name} ${wheel.version}`;
  let done = 0;
  const onLine = (line: string) => {
    const [now, total] = line.split(' ').map(Number);
    done = now ?? 0;
    onEvent({ kind: 'progress', label, done, total: total ?? wheel.keptBytes });
  };
  // It needs the standard library alone: without `site`, no user's or environment's start-up code runs.
  const args = [...ISOLATED, '-S', '-c', UNPACK_SCRIPT, file, folder, ...wheel.keep];
  const finished = await runPython(args, { env, signal, onLine });
  if (finished.code === 0 && done > 0) return;
  if (/No space left on device|Errno 28/.test(finished.stderr)) {
    throw new InputError({
      expected: `disk space under ${folder}`,
      found: 'a full disk',
      remedy: 'free space, or name a cache folder on a larger disk in GNR_CACHE_DIR',
    });
  }
  throw new RunError(
    `Unpacking ${file} failed: ${lastLines(finished.stderr) || 'it has none of the files that are needed'}.`,
  );
}
