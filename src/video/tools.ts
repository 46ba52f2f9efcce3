import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { InputError, systemCode } from '../base/errors.js';

/** The programs of an ffmpeg installation. */
export type Tool = 'ffmpeg' | 'ffprobe';

const VARIABLES = { ffmpeg: 'FFMPEG_PATH', ffprobe: 'FFPROBE_PATH' } as const satisfies Record<Tool, string>;
/** What is kept of a program's stderr: its last ones. */
const KEPT_CHARACTERS = 4096;

/** What to start: the path in FFMPEG_PATH or FFPROBE_PATH, or the name, for PATH to find. */
export function toolPath(tool: Tool): string {
  return process.env[VARIABLES[tool]] || tool;
}

/** How a program ended. */
export interface ToolEnd {
  /** Exit code; null where a signal ended it. */
  code: number | null;
  /** The end of what it wrote to standard error. */
  stderr: string;
}

export interface RunningTool {
  stdin: Writable;
  stdout: Readable;
  /** Its end. @throws InputError where there is no such program. */
  end: Promise<ToolEnd>;
  /** Ends it at once, where it still runs. */
  kill(): void;
}

/**
 * Starts a program whose standard input and output are pipes; one that only writes finds its input closed. Ctrl-C does
 * not reach it, so that whoever started it can end things in order.
 */
export function startTool(tool: Tool, args: readonly string[]): RunningTool {
  const path = toolPath(tool);
  const child = spawn(path, args, { stdio: 'pipe', detached: true });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS);
  });
  // A program that ends while it is written to is told by its end.
  child.stdin.on('error', () => undefined);
  const end = new Promise<ToolEnd>((resolve, reject) => {
    child.on('error', (cause) => {
      const isMissing = ['ENOENT', 'EACCES', 'ENOTDIR'].includes(systemCode(cause) ?? '');
      reject(isMissing ? missingTool(tool, path, cause) : cause);
    });
    child.on('close', (code) => resolve({ code, stderr: stderr.trim() }));
  });
  // Whoever waits for it hears of it; nobody has to.
  end.catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, end, kill: () => void child.kill('SIGKILL') };
}

function missingTool(tool: Tool, path: string, cause: unknown): InputError {
  return new InputError(
    {
      expected: `the program ${tool}, which videos need`,
      found: path === tool ? 'none on the PATH' : `nothing to run at ${path} (${VARIABLES[tool]})`,
      remedy: `install ffmpeg (apt install ffmpeg), or set ${VARIABLES[tool]} to where it is`,
    },
    { cause },
  );
}

/** Runs a program to its end and gives what it wrote. @throws InputError where there is no such program. */
export async function outputOf(tool: Tool, args: readonly string[]): Promise<ToolEnd & { stdout: string }> {
  const running = startTool(tool, args);
  running.stdin.end();
  let stdout = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  return { ...(await running.end), stdout };
}

/** The last different lines of a program's stderr on one line, without the addresses that ffmpeg puts before them. */
export function lastErrorLines(stderr: string, count = 3): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^\[[^\]]* @ 0x[0-9a-f]+\] */, '').trim());
  const last = [...new Set(lines.filter((line) => line !== ''))].slice(-count);
  return last.join(' | ').replace(/[.;|\s]+$/, '') || 'no reason given';
}

/** The error for a video of which ffmpeg gives no frame. */
export function noFrames(input: string, stderr: string): InputError {
  return new InputError({
    expected: `a video that can be decoded at ${input}`,
    found: `no frame (${lastErrorLines(stderr)})`,
    remedy: 'name a video that players show',
  });
}
