// Compiles sources for programs of their own: the working tree, and not an earlier build.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { CompilerOptions } from 'typescript';

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

/** Compiles the source files of a folder to another, without its subfolders unless `recursive` is set. */
export async function compileFolder(from: string, to: string, recursive = false): Promise<void> {
  for (const name of await readdir(from, { recursive }))
    if (name.endsWith('.ts')) await compileFile(join(from, name), join(to, name.replace(/\.ts$/, '.js')));
}

async function compiled(source: string): Promise<string> {
  const path = join(CACHE, `${createHash('sha256').update(source).digest('hex')}.js`);
  try {
    return await readFile(path, 'utf8');
  } catch {
    const text = await transpiled(source);
    // Another test may write the same file.
    const part = `${path}.${randomUUID()}`;
    await mkdir(CACHE, { recursive: true });
    await writeFile(part, text);
    await rename(part, path);
    return text;
  }
}

async function transpiled(source: string): Promise<string> {
  const { default: ts } = await import('typescript');
  const compilerOptions: CompilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
