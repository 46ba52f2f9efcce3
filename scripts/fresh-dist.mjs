// Builds dist in a checkout where it is missing or older than the sources; bin/gnr.mjs calls it at every start.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
/** What a build was made from; inside dist, so that it comes and goes with it. */
const STAMP = '.built-from.json';
const POLL_MILLISECONDS = 200;
const HEARTBEAT_MILLISECONDS = 2000;
const SILENT_MILLISECONDS = 30_000;

const say = (text) => process.stderr.write(`gnr: ${text}\n`);
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const remove = (file) => fs.rmSync(file, { recursive: true, force: true });

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The files that dist is made from, in the same order each time. */
function sourceFiles(root) {
  const files = ['tsconfig.json', 'tsconfig.build.json'];
  const visit = (folder) => {
    for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) visit(name);
      else if (name.endsWith('.ts')) files.push(name);
    }
  };
  visit('src');
  return files.sort();
}

const digest = (parts) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** Changes with the names, sizes and times of the sources: some milliseconds. */
function quickKey(root, files) {
  return digest(
    files.map((name) => {
      const { mtimeMs, size } = fs.statSync(path.join(root, name));
      return [name, mtimeMs, size];
    }),
  );
}

/** Changes with the content of the sources. */
function contentKey(root, files) {
  return digest(files.map((name) => [name, fs.readFileSync(path.join(root, name), 'utf8')]));
}

function writeStamp(dist, stamp) {
  const draft = path.join(dist, `${STAMP}.${process.pid}`);
  fs.writeFileSync(draft, JSON.stringify(stamp));
  fs.renameSync(draft, path.join(dist, STAMP));
}

/** Whether dist is made from the sources as they are. */
function isFresh(root) {
  const dist = path.join(root, 'dist');
  const stamp = readJson(path.join(dist, STAMP));
  if (stamp === undefined) return false;
  const files = sourceFiles(root);
  const quick = quickKey(root, files);
  if (stamp.quick === quick) return true;
  if (stamp.content !== contentKey(root, files)) return false;
  try {
    // The times alone have changed, as after a change of branches and back.
    writeStamp(dist, { ...stamp, quick });
  } catch {
    // In a checkout that cannot be written to, the next start compares the contents again.
  }
  return true;
}

/** Whether there is a process with this id on this machine. */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

/** Whether the process that a lock names has ended, or is silent. */
function isAbandoned(lock) {
  const holder = readJson(path.join(lock, 'holder.json'));
  if (holder?.host === os.hostname() && !isRunning(holder.pid)) return true;
  try {
    return Date.now() - fs.statSync(lock).mtimeMs > SILENT_MILLISECONDS;
  } catch {
    return false;
  }
}

/**
 * Takes the lock, a folder, or waits until another process has built dist. Two that take over an abandoned lock at the same
 * time may both build: that costs time and nothing else, for each build has a folder of its own and replaces dist whole.
 * @returns how to release it; undefined if dist has become fresh.
 */
async function takeLock(root) {
  const lock = path.join(root, 'dist.lock');
  for (let hasSaid = false; ; ) {
    try {
      fs.mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(lock)) {
      remove(lock);
      continue;
    }
    if (!hasSaid) say('waiting for another process, which builds the program');
    hasSaid = true;
    await sleep(POLL_MILLISECONDS);
    if (isFresh(root)) return undefined;
  }
  fs.writeFileSync(path.join(lock, 'holder.json'), JSON.stringify({ pid: process.pid, host: os.hostname() }));
  const heartbeat = setInterval(() => {
    const now = new Date();
    fs.utimes(lock, now, now, () => undefined);
  }, HEARTBEAT_MILLISECONDS);
  return () => {
    clearInterval(heartbeat);
    remove(lock);
  };
}

function compilerOf(root) {
  try {
    return createRequire(path.join(root, 'package.json')).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

/** Runs TypeScript. @returns its exit code and what it printed. */
function compile(compiler, root, words) {
  return new Promise((resolve, reject) => {
    const args = [compiler, '-p', path.join(root, 'tsconfig.build.json'), ...words];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.on('error', reject).on('close', (code) => resolve({ code, output }));
  });
}

/** Puts a built folder in the place of dist, and the built page of the old one into it. */
function replaceDist(root, built) {
  const dist = path.join(root, 'dist');
  const old = `${built}.old`;
  for (;;) {
    try {
      fs.renameSync(dist, old);
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
    try {
      fs.renameSync(built, dist);
      break;
    } catch (error) {
      // Another process has put its own there meanwhile.
      if (!['ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
      remove(old);
    }
  }
  if (fs.existsSync(path.join(old, 'web'))) fs.renameSync(path.join(old, 'web'), path.join(dist, 'web'));
  remove(old);
}

/** Builds into a folder of its own, which then becomes dist. @throws Error with the compiler's messages. */
async function buildInto(root, compiler, words) {
  const built = path.join(root, `dist.building-${process.pid}`);
  try {
    // Before the compiler reads them: a change during the build makes the next start build again.
    const files = sourceFiles(root);
    const stamp = { quick: quickKey(root, files), content: contentKey(root, files) };
    const { code, output } = await compile(compiler, root, ['--outDir', built, ...words]);
    if (code !== 0) throw new Error(output.trim() || `TypeScript ended with code ${code}`);
    writeStamp(built, stamp);
    replaceDist(root, built);
  } finally {
    remove(built);
  }
}

/** Removes what builds that were killed have left. */
function removeLeftovers(root) {
  for (const name of fs.readdirSync(root)) {
    const pid = /^dist\.building-(\d+)(\.old)?$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) remove(path.join(root, name));
  }
}

/**
 * Builds dist.
 * @param root the checkout.
 * @param check whether to check types, too, and to build whether dist is fresh or not.
 * @throws Error if TypeScript is missing or finds errors.
 */
export async function buildDist(root = ROOT, { check = false } = {}) {
  const compiler = compilerOf(root);
  if (compiler === undefined) throw new Error('TypeScript is missing; run npm ci with development packages');
  for (;;) {
    const release = await takeLock(root);
    if (release === undefined) {
      if (check) continue;
      return;
    }
    try {
      if (!check && isFresh(root)) return;
      removeLeftovers(root);
      await buildInto(root, compiler, check ? [] : ['--noCheck']);
      return;
    } finally {
      release();
    }
  }
}

/**
 * Makes sure that dist is there and made from the sources as they are. Costs some milliseconds if it is.
 * @returns whether there is a program to start; if not, the reason has been printed.
 */
export async function freshDist(root = ROOT) {
  if (isFresh(root)) return true;
  const isThere = fs.existsSync(path.join(root, 'dist', 'cli', 'main.js'));
  const reason = isThere ? 'the sources have changed since' : 'once';
  say(`building the program from src (dist), ${reason}; this takes some seconds`);
  try {
    await buildDist(root);
    return true;
  } catch (error) {
    say(
      `${isThere ? 'warning: dist is older than the sources, and ' : ''}it could not be built: ${error.message}`,
    );
    return isThere;
  }
}

// `npm run build`
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildDist(ROOT, { check: true });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
