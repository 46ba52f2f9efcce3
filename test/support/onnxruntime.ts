// Provides onnxruntime to the tests of ONNX exports. Its package holds the programs of every platform (290 MB), so it is no
// development dependency: it is installed on demand, once for this user, by the lockfile in test/support/onnxruntime.
import { cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Onnxruntime from 'onnxruntime-common';
import { cacheDirectory } from '../../src/base/cache-directory.js';
import { sha256 } from '../../src/base/hash.js';
import { withLock } from '../../src/base/process-lock.js';
import { lastLines, runProgram } from '../../src/base/run-program.js';

const PINNED = join(import.meta.dirname, 'onnxruntime');

/** Removes what a folder holds besides one name. */
async function keepOnly(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name !== kept) await rm(join(folder, name), { recursive: true });
}

/** Installs the pinned packages, whose hashes npm checks. @throws Error with npm's last words. */
async function install(folder: string): Promise<void> {
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await cp(PINNED, partial, { recursive: true });
  process.stderr.write(`fetching onnxruntime for the tests of ONNX exports, kept in ${folder}\n`);
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const patience = ['--fetch-retries=1', '--fetch-timeout=60000'];
  const finished = await runProgram('npm', [...words, ...patience], { cwd: partial });
  if (finished.code !== 0)
    throw new Error(lastLines(finished.stderr.replaceAll('npm error', '')) || 'no npm on PATH');
  const binaries = join(partial, 'node_modules/onnxruntime-node/bin');
  const [kind = ''] = await readdir(binaries);
  await keepOnly(join(binaries, kind), process.platform);
  await keepOnly(join(binaries, kind, process.platform), process.arch);
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}

/**
 * Opens onnxruntime, and installs it first where it is missing.
 * @returns undefined, with a line on standard error, where the package registry cannot be reached; the tests are skipped then.
 */
export async function openOnnxruntime(): Promise<typeof Onnxruntime | undefined> {
  const lockfile = await readFile(join(PINNED, 'package-lock.json'));
  const tests = join(cacheDirectory(), 'tests');
  const folder = join(tests, `onnxruntime-${sha256(lockfile).slice(0, 12)}`);
  const program = createRequire(join(folder, 'package.json'));
  const open = () => program('onnxruntime-node') as typeof Onnxruntime;
  try {
    return await withLock(join(tests, 'onnxruntime.lock'), async () => {
      const isThere = await readdir(folder).catch(() => []);
      if (isThere.length === 0) await install(folder);
      return open();
    });
  } catch (error) {
    process.stderr.write(
      `The tests that need onnxruntime are skipped, because it cannot be fetched: ${String(error)}\n`,
    );
    return undefined;
  }
}
