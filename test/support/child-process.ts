// Runs parts of src in a Node process of their own.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { compileFolder } from './compile.js';

/** Folders of src that child processes may import. */
const PARTS = ['base', 'checkpoint', 'data', 'train/log/tensorboard'];

/** Compiles the parts of src without TensorFlow to `folder`/src, so that a plain Node process can import them. */
export async function compileForChild(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await symlink(resolve('node_modules'), join(folder, 'node_modules'), 'dir');
  for (const part of PARTS) await compileFolder(join('src', part), join(folder, 'src', part));
}

export interface ChildResult {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface ChildOptions {
  /** Commands before Node starts, such as `ulimit -f 100`. */
  shell?: string | undefined;
  /** A command that runs the shell, such as `unshare -rm`. */
  wrapper?: readonly string[] | undefined;
  args?: readonly string[];
  /** Whether its standard input stays open until the caller ends it. */
  keepInput?: boolean;
}

/** Starts Node on the text of an ES module in `folder`, where it can import the './src/...' of `compileForChild`. */
export async function startChild(
  folder: string,
  script: string,
  options: ChildOptions = {},
): Promise<{ child: ChildProcess; done: Promise<ChildResult>; output: () => string }> {
  const file = join(folder, 'child.mjs');
  await writeFile(file, script);
  const { shell = ':', wrapper = [], args = [], keepInput = false } = options;
  const command = [...wrapper, 'bash', '-c', `${shell}; exec "$@"`, 'bash', process.execPath, file, ...args];
  const child = spawn(command[0]!, command.slice(1), {
    stdio: [keepInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const done = new Promise<ChildResult>((settle, fail) => {
    child.on('error', fail);
    child.on('close', (status, signal) => settle({ status, signal, stdout, stderr }));
  });
  return { child, done, output: () => stdout };
}

/** Whether a process may mount a small disk of its own here. */
export function canMount(): boolean {
  return spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp']).status === 0;
}

/** Whether a process may have numbers of processes of its own here, as in a container. */
export function canUnshare(): boolean {
  return spawnSync('unshare', ['--fork', '--pid', '--mount-proc', 'true']).status === 0;
}
