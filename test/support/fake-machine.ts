// A machine for tests of the set-up: its programs, its npm package and the wheels that it downloads.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { sha256 } from '../../src/base/hash.js';
import type { Packages } from '../../src/setup/addon.js';
import { cudaLibraries } from '../../src/setup/preload.js';
import { type Wheel, wheelsFor } from '../../src/setup/wheels.js';

/** A folder of programs that stand for the machine's, alone on PATH, and a log of how they were called. */
export interface FakeMachine {
  root: string;
  bin: string;
  env: NodeJS.ProcessEnv;
  /** Puts a shell script on PATH. */
  program(name: string, script: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Calls so far, one line each: the program and what it was asked for. */
  calls(): Promise<string[]>;
  dispose(): Promise<void>;
}

export async function fakeMachine(): Promise<FakeMachine> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'gnr-setup-'));
  const bin = path.join(root, 'bin');
  const log = path.join(root, 'calls.log');
  await fs.mkdir(bin);
  await fs.writeFile(log, '');
  return {
    root,
    bin,
    env: { PATH: bin, HOME: root, GNR_CACHE_DIR: path.join(root, 'cache'), LOG: log },
    program: (name, script) => fs.writeFile(path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
    remove: (name) => fs.rm(path.join(bin, name)),
    calls: async () => (await fs.readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
    dispose: () => fs.rm(root, { recursive: true, force: true }),
  };
}

// The interpreter itself: what is on PATH may be a script that needs the PATH it was found on.
export const realPython = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();
const copy = execFileSync('sh', ['-c', 'command -v cp'], { encoding: 'utf8' }).trim();

/** Writes a zip file, as wheels are, with the given members. */
export function writeWheel(file: string, members: Record<string, string>): void {
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:
    for name, text in json.loads(sys.argv[2]).items():
        archive.writestr(name, text)`;
  execFileSync(realPython, ['-c', script, file, JSON.stringify(members)]);
}

/** What the part of TensorFlow's wheel that is kept looks like, in small. */
export const TENSORFLOW_FILES = {
  'tensorflow/libtensorflow_cc.so.2': 'library',
  'tensorflow/libtensorflow_framework.so.2': 'framework',
  'tensorflow/include/tensorflow/c/c_api.h': 'header',
  'tensorflow/python/unwanted.py': 'python',
};

/**
 * A python3 whose pip does `onDownload` (shell; $DEST is the folder to write to, $NAME the wheel's name), and which
 * otherwise is the real one.
 */
export function fakePython(onDownload: string): string {
  return `case "$*" in
    *'sys.version_info'*) echo 3; exit 0 ;;
    *'pip --version'*) exit 0 ;;
    *'pip download'*)
      while [ $# -gt 0 ]; do
        case "$1" in
          --dest) DEST=$2 ;;
          --requirement) read -r LINE < "$2"; NAME=\${LINE%%==*} ;;
        esac
        shift
      done
      echo "download $NAME" >> "$LOG"
      ${onDownload}
      ;;
    *) exec ${realPython} "$@" ;;
  esac`;
}

/** Shell: pip delivers this file. */
export function deliver(wheel: string): string {
  return `${copy} ${wheel} "$DEST/$NAME-1.whl"; exit 0`;
}

/** A C++ compiler that writes `content` as its output. */
export function fakeCompiler(content: string): string {
  return `[ "$1" = --version ] && exit 0
    while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT=$2; shift; done
    echo "compile \${OUT##*/}" >> "$LOG"
    echo '${content}' > "$OUT"`;
}

/** What NVIDIA's wheels hold, in small. */
export const CUDA_FILES = Object.fromEntries(
  [...cudaLibraries('/tensorflow'), '/nvidia/cuda_nvcc/bin/ptxas'].map((file) => [file.slice(1), 'cuda']),
);

/** Shell: an nvidia-smi that shows GPUs, as its answer to the query of all fields. */
export function fakeSmi(...rows: string[]): string {
  return `case "$1" in --query-gpu=*) ;; *) exit 2 ;; esac\n${rows.map((row) => `echo '${row}'`).join('\n')}`;
}

/**
 * The engine of tfjs on plain JavaScript, which the words of its addon change: without `good` it does not load, with `gpu`
 * it says that it is on one, with `sessionless` the addon for sessions does not load, `wrong:mul` (or another function) spoils results, and `crash:mul` ends the process.
 */
function fakeEngine(): string {
  const tfjs = createRequire(import.meta.url).resolve('@tensorflow/tfjs');
  return `const fs = require('node:fs');
    const addon = fs.readFileSync(require('@mapbox/node-pre-gyp').find(), 'utf8');
    if (!addon.includes('good')) throw new Error('undefined symbol: TF_Something');
    const gpu = addon.includes('gpu');
    if (process.env.TF_CPP_MAX_VLOG_LEVEL === '1' && !gpu)
      process.stderr.write("I0000 00:00:1700000000.000001    4321 dso_loader.cc:144] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: cannot open shared object file\\n");
    console.warn = () => undefined;
    const tf = require(${JSON.stringify(tfjs)});
    tf.setBackend('cpu');
    const [, fault, name] = /(wrong|crash):(\\w+)/.exec(addon) ?? [];
    const spoiled = (...args) => {
      if (fault === 'crash') process.kill(process.pid, 'SIGKILL');
      return tf.add(tf[name](...args), 1);
    };
    let variable;
    const sessions = {
      createSession: (graph) => graph.length,
      makeCallable: (session, [{ node }]) => node,
      run: (session, node, [values]) => {
        if (node === 'value') variable = values;
        return node === 'value' ? [] : [values.map((value, i) => value * variable[i])];
      },
    };
    const { dlopen } = process;
    process.dlopen = (module, file) => {
      if (file.endsWith('gnr_all_reduce.node')) return;
      if (!file.endsWith('gnr_session.node')) return dlopen.call(process, module, file);
      if (addon.includes('sessionless')) throw new Error('undefined symbol: TF_Session');
      module.exports = sessions;
    };
    module.exports = { ...tf, ...(name && { [name]: spoiled }), getBackend: () => 'tensorflow',
      backend: () => ({ isUsingGpuDevice: gpu, binding: { TF_Version: '2.21.0' } }) };`;
}

/** An npm package that stands for tfjs-node-gpu: it loads where its addon holds the word "good". */
export async function fakePackages(root: string): Promise<Packages> {
  const tfjs = path.join(root, 'tfjs');
  const locator = path.join(tfjs, 'node_modules', '@mapbox', 'node-pre-gyp');
  await fs.mkdir(locator, { recursive: true });
  await fs.writeFile(path.join(tfjs, 'package.json'), '{"main": "index.js"}');
  await fs.writeFile(path.join(locator, 'index.js'), 'exports.find = () => "nowhere";');
  await fs.writeFile(path.join(tfjs, 'index.js'), fakeEngine());
  return { tfjs, tfjsVersion: '4.22.0', headers: path.join(root, 'headers') };
}

/** A wheel that stands for one of the pinned ones. @param file the file that pip delivers, for its hash. */
export function wheel(name: string, { keep = ['*'], file }: { keep?: string[]; file?: string } = {}): Wheel {
  const hash = file === undefined ? name.padEnd(64, '0') : sha256(readFileSync(file));
  const pin = { version: '1.0', sha256: hash, bytes: 1000, keptBytes: 2000 };
  return { name, ...pin, platform: 'manylinux2014_x86_64', abi: 'none', keep };
}

/** The pinned wheels, with the hash of the file that pip delivers for each of them. */
export function wheelsOf(file: string): typeof wheelsFor {
  const hash = sha256(readFileSync(file));
  return (device, architecture) =>
    wheelsFor(device, architecture)?.map((each) => ({ ...each, sha256: hash }));
}
