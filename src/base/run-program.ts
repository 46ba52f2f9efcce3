// Runs another program and collects its output.
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { InterruptedError, systemCode } from './errors.js';

const STOPPED = 'Stopped; npx gnr setup continues from here.';

export interface Finished {
  /** Exit code; null if a signal ended the process, undefined if there is no such program. */
  code: number | null | undefined;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** The working directory; by default an empty folder that is removed at the end. */
  cwd?: string;
  signal?: AbortSignal | undefined;
  /** Called with each complete line of standard output. */
  onLine?: (line: string) => void;
}

/**
 * The folders of PATH in which programs may be: the absolute ones, without those of npm packages. An empty or relative
 * one is in the current folder, and `npx` puts `node_modules/.bin` of the current folder first: neither is the machine's.
 */
export function programFolders(env: NodeJS.ProcessEnv): string[] {
  const isOfPackages = /[\\/]node_modules[\\/]\.bin[\\/]*$/;
  const folders = (env.PATH ?? '').split(path.delimiter);
  return folders.filter((folder) => path.isAbsolute(folder) && !isOfPackages.test(folder));
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Finds a program: a name in `programFolders`, and a path, which the user has named, from the working directory on.
 * @returns its absolute path; undefined if there is none.
 */
export function findProgram(program: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const isName = !program.includes('/');
  const files = isName
    ? programFolders(env).map((folder) => path.join(folder, program))
    : [path.resolve(program)];
  return files.find(isProgram);
}

/** Makes an empty folder for a program to run in. @returns the folder, and how to remove it. */
async function emptyFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await fs.mkdtemp(path.join(path.resolve(os.tmpdir()), 'gnr-run-'));
  return { folder, remove: () => fs.rm(folder, { recursive: true, force: true }) };
}

/**
 * Runs a program, found as `findProgram` does, to its end and collects its output. Neither the program nor what it starts
 * finds anything in the user's current folder: it runs in an empty one unless `cwd` names another.
 * @throws InterruptedError if the signal aborts it.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  if (options.signal?.aborted) throw new InterruptedError(STOPPED);
  const given = options.env ?? process.env;
  const file = findProgram(program, given);
  if (file === undefined) return { code: undefined, stdout: '', stderr: '' };
  const env = { ...given, PATH: programFolders(given).join(path.delimiter) };
  if (options.cwd !== undefined) return runIn(options.cwd, file, args, { ...options, env });
  const { folder, remove } = await emptyFolder();
  try {
    return await runIn(folder, file, args, { ...options, env });
  } finally {
    await remove();
  }
}

function runIn(cwd: string, file: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const { signal, onLine, env = process.env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd });
    let stdout = '';
    let stderr = '';
    let line = '';
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (!onLine) return;
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const each of lines) onLine(each);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', (error) => {
      signal?.removeEventListener('abort', stop);
      const missing = systemCode(error) === 'ENOENT' || systemCode(error) === 'EACCES';
      if (missing) resolve({ code: undefined, stdout, stderr });
      else reject(error);
    });
    child.on('close', (code) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) reject(new InterruptedError(STOPPED));
      else resolve({ code, stdout, stderr });
    });
  });
}

/** The last lines of a program's output joined on one line, for an error message. */
export function lastLines(text: string, count = 3): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '')
    .slice(-count)
    .join(' | ')
    .replace(/[.;|\s]+$/, '');
}
