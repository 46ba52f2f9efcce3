// Runs ffmpeg and ffprobe.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { InputError, InterruptedError, systemCode } from '../base/errors.js';
import { limitedProcessors, type ProcessorSources } from '../base/processors.js';

/** The programs of an ffmpeg installation. */
export type Tool = 'ffmpeg' | 'ffprobe';

const VARIABLES = { ffmpeg: 'FFMPEG_PATH', ffprobe: 'FFPROBE_PATH' } as const satisfies Record<Tool, string>;
/** Characters of a program's error output that are kept, from its end. */
const KEPT_CHARACTERS = 4096;
/** A program that writes nothing for so long while its output is collected has lost itself in its input. */
const SILENT_SECONDS = 60;
/** Characters of collected output: a file decides how much ffprobe says of it. */
const MAX_OUTPUT_CHARACTERS = 2 ** 26;

/** @returns the path in FFMPEG_PATH or FFPROBE_PATH, or the name, for PATH to find. */
export function toolPath(tool: Tool): string {
  return process.env[VARIABLES[tool]] || tool;
}

/** How a program ended. */
export interface ToolEnd {
  /** Exit code; null if a signal ended it. */
  code: number | null;
  /** The end of what it wrote to standard error. */
  stderr: string;
}

/** A program that runs. */
export interface RunningTool {
  stdin: Writable;
  stdout: Readable;
  /** How it ends. @throws InputError if the program is not installed. */
  end: Promise<ToolEnd>;
  /** Ends it and what it has started at once, if it still runs. */
  kill(): void;
}

/** Ends each program that still runs. Nothing else would end them with this process, as Ctrl-C does not reach them. */
const running = new Set<() => void>();
function endAll(): void {
  for (const kill of running) kill();
}

/**
 * Starts a program with pipes for standard input and output. Ctrl-C does not reach it, so that its caller can end it in
 * order.
 */
export function startTool(tool: Tool, args: readonly string[]): RunningTool {
  const path = toolPath(tool);
  const child = spawn(path, args, { stdio: 'pipe', detached: true });
  const kill = (): void => {
    if (!running.delete(kill)) return;
    try {
      // Detached, it leads a group of its own.
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  };
  if (child.pid !== undefined) running.add(kill);
  if (!process.listeners('exit').includes(endAll)) process.on('exit', endAll);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-KEPT_CHARACTERS);
  });
  // If a program ends while it is written to, `end` says why.
  child.stdin.on('error', () => undefined);
  const end = new Promise<ToolEnd>((resolve, reject) => {
    child.on('error', (cause) => {
      const isMissing = ['ENOENT', 'EACCES', 'ENOTDIR'].includes(systemCode(cause) ?? '');
      reject(isMissing ? missingTool(tool, path, cause) : cause);
    });
    child.on('exit', () => running.delete(kill));
    child.on('close', (code) => resolve({ code, stderr: stderr.trim() }));
  });
  // Callers that wait for the end get its error; without one, it is no unhandled rejection.
  end.catch(() => undefined);
  return { stdin: child.stdin, stdout: child.stdout, end, kill };
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

/** When a program whose output is collected is ended early. */
export interface OutputLimits {
  /** The file that it reads, for messages. */
  input?: string;
  signal?: AbortSignal | undefined;
  /** Longest time without output, seconds; 60 by default. */
  silentSeconds?: number;
}

/**
 * Runs a program to its end.
 * @returns what it wrote, too.
 * @throws InputError if the program is not installed, writes nothing for too long, or more than 64 MB; InterruptedError
 *   after `signal`.
 */
export async function outputOf(
  tool: Tool,
  args: readonly string[],
  { input = 'its input', signal, silentSeconds = SILENT_SECONDS }: OutputLimits = {},
): Promise<ToolEnd & { stdout: string }> {
  const program = startTool(tool, args);
  program.stdin.end();
  let problem: Error | undefined;
  const stop = (error: Error): void => {
    problem ??= error;
    program.kill();
  };
  const tooMuch = (found: string): InputError =>
    new InputError({
      expected: `${tool} to read ${input} in a minute and in some MB`,
      found,
      remedy: 'check the file: players should show it, and seek in it',
    });
  const interrupt = (): void => stop(new InterruptedError(`stopped while ${tool} was reading ${input}`));
  const hang = (): void => stop(tooMuch(`no word from it for ${silentSeconds} s`));
  if (signal?.aborted) interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  let timer = setTimeout(hang, silentSeconds * 1000);
  let stdout = '';
  program.stdout.setEncoding('utf8').on('data', (text: string) => {
    clearTimeout(timer);
    timer = setTimeout(hang, silentSeconds * 1000);
    if (problem === undefined) stdout += text;
    if (stdout.length > MAX_OUTPUT_CHARACTERS) stop(tooMuch('more than 64 MB of statements about it'));
  });
  try {
    const end = await program.end;
    if (problem !== undefined) throw problem;
    return { ...end, stdout };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', interrupt);
  }
}

/** @returns ffmpeg's option for the number of threads, where this process may use fewer processors than ffmpeg counts. */
export function threadOptions(sources?: ProcessorSources): string[] {
  const processors = limitedProcessors(sources);
  return processors === undefined ? [] : ['-threads', String(processors)];
}

/** @returns the last distinct lines of a program's error output on one line, without the addresses before ffmpeg's. */
export function lastErrorLines(stderr: string, count = 3): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^\[[^\]]* @ 0x[0-9a-f]+\] */, '').trim());
  const last = [...new Set(lines.filter((line) => line !== ''))].slice(-count);
  return last.join(' | ').replace(/[.;|\s]+$/, '') || 'no reason given';
}

/** @returns the error for a video of which ffmpeg decodes no frame. */
export function noFrames(input: string, stderr: string): InputError {
  return new InputError({
    expected: `a video that can be decoded at ${input}`,
    found: `no frame (${lastErrorLines(stderr)})`,
    remedy: 'name a video that players show',
  });
}

/** What an installed ffmpeg can do. */
export interface Ffmpeg {
  encoders: ReadonlySet<string>;
  decoders: ReadonlySet<string>;
  filters: ReadonlySet<string>;
  /** Whether `-fps_mode` has taken the place of `-vsync` (ffmpeg 5.1). */
  hasFpsMode: boolean;
}

/** @returns the names that `ffmpeg -encoders` or `-decoders` lists. */
export function parseCodecs(text: string): Set<string> {
  return new Set([...text.matchAll(/^ [VAS][F.][S.][X.][B.][D.] (\S+)/gm)].map((match) => match[1]!));
}

/** @returns the names that `ffmpeg -filters` lists. */
export function parseFilters(text: string): Set<string> {
  return new Set([...text.matchAll(/^ [T.][S.][C.]? (\S+) +\S+->\S+/gm)].map((match) => match[1]!));
}

/** Whether the libavutil of `ffmpeg -version` is that of ffmpeg 5.1 or newer; builds from git have no number of their own. */
export function parseHasFpsMode(text: string): boolean {
  const [major = 0, minor = 0] = (/libavutil\s+(\d+)\.\s*(\d+)/.exec(text) ?? []).slice(1).map(Number);
  return major > 57 || (major === 57 && minor >= 28);
}

/** Asks the installed ffmpeg what it can do. @throws InputError if there is none; InterruptedError after `signal`. */
export async function readFfmpeg(signal?: AbortSignal): Promise<Ffmpeg> {
  const list = async (option: string) =>
    (await outputOf('ffmpeg', ['-hide_banner', '-v', 'error', option], { signal })).stdout;
  const [encoders, decoders, filters, version] = await Promise.all(
    ['-encoders', '-decoders', '-filters', '-version'].map(list),
  );
  return {
    encoders: parseCodecs(encoders!),
    decoders: parseCodecs(decoders!),
    filters: parseFilters(filters!),
    hasFpsMode: parseHasFpsMode(version!),
  };
}
