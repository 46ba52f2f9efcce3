// Compiles sources for programs of their own: the working tree, and not an earlier build.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { CompilerOptions } from 'typescript';
import { writeFileAtomic } from '../../src/base/atomic-files.js';

const PACKAGES = resolve('node_modules');

const { version } = JSON.parse(readFileSync(join(PACKAGES, 'typescript', 'package.json'), 'utf8')) as {
  version: string;
};

/** What has been compiled, by the hash of its source: the whole program takes ten seconds, and dozens of test files start it. */
const CACHE = join(PACKAGES, '.cache', 'gnr-tests', `typescript-${version}`);

/** Compiles a source file to `to`, which may be in a folder that does not exist yet. Does not check types. */
export async function compileFile(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, await compiled(await readFile(from, 'utf8')));
}

/** Compiles the source files of a folder and of its subfolders to another. */
export async function compileFolder(from: string, to: string): Promise<void> {
  for (const name of await readdir(from, { recursive: true }))
    if (name.endsWith('.ts')) await compileFile(join(from, name), join(to, name.replace(/\.ts$/, '.js')));
}

async function compiled(source: string): Promise<string> {
  const path = join(CACHE, `${createHash('sha256').update(source).digest('hex')}.js`);
  try {
    return await readFile(path, 'utf8');
  } catch {
    const text = await transpiled(source);
    await writeFileAtomic(path, text);
    return text;
  }
}

async function transpiled(source: string): Promise<string> {
  const { default: ts } = await import('typescript');
  const compilerOptions: CompilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
