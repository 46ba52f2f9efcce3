// Fuzzes the parsers of unchecked bytes for hours: `npm run fuzz -- [--seconds N] [--engine jazzer|random] [TARGET...]`.
// Jazzer.js, which npm fetches when this is first run, changes inputs by the code that they reach, and keeps those that reach
// new code in .fuzz/corpus. Its engine needs glibc 2.38; elsewhere, `random` tries the inputs of the test suite with ever new
// seeds. An input that breaks a contract ends the target, and lies in .fuzz/found.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const WORK = path.join(ROOT, '.fuzz');
const JAZZER = '@jazzer.js/core@4.0.0';
const GLIBC = 2.38;
/** Ends an input that never answers. */
const TIMEOUT_MILLISECONDS = 60_000;
const MEGABYTES = 4096;
/** Inputs of one seed of the random engine. */
const RUNS = 5000;

const say = (line) => process.stdout.write(`${line}\n`);

/** Whether Jazzer's engine can be loaded: its library is of a newer Linux than some. */
function canRunJazzer() {
  const glibc = Number(process.report.getReport().header.glibcVersionRuntime ?? 0);
  return process.platform !== 'linux' || glibc >= GLIBC;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', default: canRunJazzer() ? 'jazzer' : 'random' },
  },
});

/** Compiles an entry of test/fuzz. The file lies as deep as src, from where it finds files. */
async function compile(entry, format) {
  const file = `${entry}.${format === 'cjs' ? 'cjs' : 'mjs'}`;
  const outDir = path.join(WORK, format);
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: path.join(ROOT, 'test/fuzz', `${entry}.ts`),
      outDir,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: { output: { format, entryFileNames: file } },
    },
  });
  return path.join(outDir, file);
}

/** @returns whether a target kept its contract. */
function runJazzer(long, name, corpus, found) {
  const jazzer = ['jazzer', long, corpus, '-i', long, '--timeout', TIMEOUT_MILLISECONDS, '--'];
  const engine = [
    `-max_total_time=${values.seconds}`,
    `-artifact_prefix=${found}/`,
    `-rss_limit_mb=${MEGABYTES}`,
    `-seed=${values.seed}`,
    '-print_final_stats=1',
  ];
  const words = ['exec', '--yes', `--package=${JAZZER}`, '--', ...jazzer, ...engine].map(String);
  const env = { ...process.env, GNR_FUZZ_TARGET: name };
  return spawnSync('npm', words, { cwd: ROOT, stdio: 'inherit', env }).status === 0;
}

/** @returns whether a target kept its contract. */
async function runRandom({ fuzz }, worker, name, found) {
  const end = performance.now() + 1000 * Number(values.seconds);
  let inputs = 0;
  for (let seed = Number(values.seed); performance.now() < end; seed++) {
    const { runs, failure, input } = await fuzz(worker, name, { seed, runs: RUNS });
    inputs += runs;
    if (failure === undefined) continue;
    writeFileSync(path.join(found, `seed-${seed}`), Buffer.from(input ?? '', 'base64'));
    say(`seed ${seed}: ${failure}`);
    return false;
  }
  say(`${inputs} inputs, nothing found`);
  return true;
}

const { allTargets } = await import(await compile('targets', 'esm'));
const targets = await allTargets();
const names = positionals.length > 0 ? positionals : Object.keys(targets);
const unknown = names.find((name) => targets[name] === undefined);
if (unknown !== undefined || !['jazzer', 'random'].includes(values.engine)) {
  const [wanted, got] = unknown
    ? [`a target (${Object.keys(targets).join(', ')})`, unknown]
    : ['--engine jazzer or random', values.engine];
  process.stderr.write(`Expected ${wanted} but found ${got}; use one of these.\n`);
  process.exit(2);
}
const isJazzer = values.engine === 'jazzer';
if (!isJazzer) say('Inputs are random, without regard to the code that they reach.');
const long = isJazzer ? await compile('long', 'cjs') : undefined;
const runner = isJazzer ? undefined : await import(await compile('run-target', 'esm'));
const worker = isJazzer ? undefined : await compile('worker', 'esm');

let kept = 0;
for (const name of names) {
  const [corpus, found] = ['corpus', 'found'].map((folder) => path.join(WORK, folder, name));
  for (const folder of [corpus, found]) mkdirSync(folder, { recursive: true });
  for (const [i, seed] of (await targets[name].seeds()).entries())
    writeFileSync(path.join(corpus, `seed-${i}`), seed);
  say(`\n== ${name}: ${values.seconds} s`);
  if (isJazzer ? runJazzer(long, name, corpus, found) : await runRandom(runner, worker, name, found)) kept++;
}
say(`\n${kept} of ${names.length} targets without a finding`);
process.exitCode = kept === names.length ? 0 : 1;
