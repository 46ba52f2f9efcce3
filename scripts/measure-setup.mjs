// Prints the figures of "Set-up" in docs/results.md: a first and a second set-up in clean clones, with npm 10 and npm 11, from
// empty caches of npm and of this project. Needs a package registry; fetches some 1 GB.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const MACHINE_WORDS = ['--checkpoint', 'models/sample', '--out', 'anime'];

/** Bytes of the files under a folder; files with several names count once, links not at all. */
function bytesUnder(folder) {
  const seen = new Set();
  let sum = 0;
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const { ino, size } = fs.statSync(path.join(entry.parentPath, entry.name));
    if (!seen.has(ino)) sum += size;
    seen.add(ino);
  }
  return sum;
}

/** Bytes that this machine's network interfaces, without the loopback, have received. */
function receivedBytes() {
  const lines = fs.readFileSync('/proc/net/dev', 'utf8').split('\n').slice(2);
  const rows = lines.map((line) => line.trim().split(/[\s:]+/)).filter(([name]) => name && name !== 'lo');
  return rows.reduce((sum, [, bytes]) => sum + Number(bytes), 0);
}

/** Runs a program to its end. @returns seconds. */
function timed(program, words, cwd, env) {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, words, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} failed: ${stderr}`);
  return (performance.now() - start) / 1000;
}

const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;
const seconds = (value) => `${value.toFixed(1)} s`;

function measure(npm, work) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  const env = {
    ...Object.fromEntries(inherited),
    npm_config_cache: path.join(work, 'npm'),
    GNR_CACHE_DIR: path.join(work, 'cache'),
  };
  const npx = (cwd, ...words) => timed('npx', ['--yes', npm, ...words], cwd, env);
  fs.mkdirSync(env.npm_config_cache, { recursive: true });
  npx(work, '--version');
  for (const turn of ['first', 'second']) {
    const clone = path.join(work, turn);
    timed('git', ['clone', '--quiet', ROOT, clone], work, env);
    const before = receivedBytes();
    const install = npx(clone, 'ci');
    const program = timed('node', ['bin/gnr.mjs', '--version'], clone, env);
    const engine = timed('node', ['bin/gnr.mjs', 'setup'], clone, env);
    const translation = timed(
      'node',
      ['bin/gnr.mjs', 'translate', 'examples/photos/astronaut.jpg', ...MACHINE_WORDS],
      clone,
      env,
    );
    const fetched = receivedBytes() - before;
    const packages = bytesUnder(path.join(clone, 'node_modules'));
    const cells = [
      ...[npm, turn, seconds(install), seconds(program), seconds(engine), seconds(translation)],
      ...[megabytes(fetched), megabytes(packages), megabytes(bytesUnder(env.GNR_CACHE_DIR))],
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
}

process.stdout.write(
  '| npm | set-up | npm ci | dist | engine | translation | received | node_modules | cache |\n' +
    '| --- | ------ | ------ | ---- | ------ | ----------- | -------- | ------------ | ----- |\n',
);
for (const npm of process.argv.length > 2 ? process.argv.slice(2) : ['npm@10', 'npm@11']) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'gnr-measure-'));
  try {
    measure(npm, work);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
const load = os.loadavg()[0]?.toFixed(1);
process.stdout.write(
  `\n${os.cpus()[0]?.model.trim()}, ${os.availableParallelism()} cores, load ${load} at the end\n`,
);
