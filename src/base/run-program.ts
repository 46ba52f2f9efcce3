// Runs another program and collects its output.
import { type SpawnOptions, spawn } from 'node:child_process';
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
  cwd?: string;
  signal?: AbortSignal | undefined;
  /** Called with each complete line of standard output. */
  onLine?: (line: string) => void;
}

/** Runs a program to its end and collects its output. @throws InterruptedError if the signal aborts it. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const { signal, onLine } = options;
  if (signal?.aborted) return Promise.reject(new InterruptedError(STOPPED));
  const spawnOptions: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'], env: options.env ?? process.env };
  if (options.cwd) spawnOptions.cwd = options.cwd;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, spawnOptions);
    let stdout = '';
    let stderr = '';
    let line = '';
    const stop = () => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop, { once: true });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (!onLine) return;
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const each of lines) onLine(each);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
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
