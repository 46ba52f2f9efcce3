// Runs the command line in this process or in one of its own.
import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { vi } from 'vitest';
import type { CommandModule } from 'yargs';
import { runCommandLine } from '../../src/cli/command-line.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { type ChildOptions, startChild } from './child-process.js';
import { compileFile, compileFolder } from './compile.js';
import { MIN_LAYERS, TINY } from './config.js';
import type { FileCall } from './faults.js';

/** The exit code and the output of a command line. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, whose engine is loaded once for all tests of a file. */
export function gnr(...words: string[]): Promise<Outcome> {
  return gnrWith(undefined, words);
}

/** As `gnr`, with other commands than the program's. */
export async function gnrWith(
  modules: readonly CommandModule[] | undefined,
  words: readonly string[],
): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      stdout += String(text);
      return true;
    }),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      stderr += String(text);
      return true;
    }),
  ];
  try {
    const code = await runCommandLine(words, modules);
    return { code, stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Compiles the program to `folder`/src for `startGnr`, so that tests run the working tree and not an earlier build. */
export async function compileGnr(folder: string): Promise<void> {
  await cp('package.json', join(folder, 'package.json'));
  await mkdir(join(folder, 'models'));
  for (const name of ['node_modules', 'configs', 'native', 'models/landmarks'])
    await symlink(resolve(name), join(folder, name), 'dir');
  await compileFolder('src', join(folder, 'src'));
  await compileFile('test/support/faults.ts', join(folder, 'faults.js'));
}

/** Starts the program as `startGnr` does, and kills it before the `count`th call of that name on a matching path. */
export function startGnrToKill(
  folder: string,
  words: readonly string[],
  [call, pattern, count]: readonly [call: FileCall, pattern: RegExp, count: number],
) {
  const script = `
    import { beforeFileCall } from './faults.js';
    let calls = 0;
    await beforeFileCall('${call}', ${pattern}, () => {
      if (++calls === ${count}) process.kill(process.pid, 'SIGKILL');
    });
    await import('./src/cli/main.js');`;
  return startChild(folder, script, { args: words });
}

/**
 * Starts the program of `compileGnr` as a process of its own.
 * @param options those of `startChild`.
 */
export function startGnr(
  folder: string,
  words: readonly string[],
  { shell, wrapper }: Pick<ChildOptions, 'shell' | 'wrapper'> = {},
) {
  return startChild(folder, `await import('./src/cli/main.js');`, { args: words, shell, wrapper });
}

/** Waits until a condition holds, by polling. @throws Error if the process ends before. */
export async function until(
  { child, done }: Awaited<ReturnType<typeof startGnr>>,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  while (!(await condition())) {
    if (child.exitCode !== null) throw new Error(`gnr has ended: ${(await done).stderr}`);
    await setTimeout(20);
  }
}

export interface TinyTraining {
  /** A folder with a sample dataset of 32 px. */
  dataset: string;
  /** A config file for it, with the smallest networks, run kernel by kernel. */
  config: string;
}

/** Writes a dataset and a config file into `folder`. */
export async function tinyTraining(folder: string): Promise<TinyTraining> {
  const dataset = join(folder, 'data');
  const config = join(folder, 'tiny.json');
  await drawSampleDataset({ dir: dataset, images: 6, testImages: 2, size: 32 });
  const values = {
    ...TINY,
    model: { ...TINY.model, ...MIN_LAYERS },
    data: { root: dataset },
    log: { sampleImages: 1 },
    runtime: { capture: false },
  };
  await writeFile(config, JSON.stringify(values));
  return { dataset, config };
}

const FALLBACK = 'gnr: warning: the GPU build of TensorFlow computes on the processor: ';

/** The program's messages on standard error, without progress and the warning of a GPU build without a GPU. */
export const errorMessages = (stderr: string): string[] =>
  stderr.split('\n').filter((line) => line.startsWith('gnr:') && !line.startsWith(FALLBACK));

/** All files below a folder, without links, with their bytes in base64. */
export async function contentOf(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, (await readFile(file)).toString('base64')])),
  );
}
