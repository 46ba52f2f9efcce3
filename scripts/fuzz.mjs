// Fuzzes the parsers of unchecked bytes for hours; USAGE tells how.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';

const USAGE = `npm run fuzz -- [--seconds N] [--seed N] [--engine jazzer|random] [TARGET...]

Fuzzes each target for 3600 seconds, or as many as --seconds says; all targets if none is named. An input that breaks a
contract ends its target, and lies in .fuzz/found. Ctrl-C ends the run.

--engine jazzer  changes inputs by the code that they reach, and keeps those that reach new code in .fuzz/corpus. npm
                 fetches Jazzer.js when this is first run. Its engine needs glibc 2.38.
--engine random  tries the inputs of the test suite with ever new seeds: the default where Jazzer.js cannot run.`;

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

/** @returns the options and the targets; exits if they are wrong. */
function readCommandLine() {
  const options = {
    help: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '3600' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string', default: canRunJazzer() ? 'jazzer' : 'random' },
  };
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    if (values.help) {
      say(USAGE);
      process.exit(0);
    }
    return { ...values, names: positionals };
  } catch (error) {
    return exitWith(`${error.message.split('.')[0]}; npm run fuzz -- --help lists the options.`);
  }
}

function exitWith(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

const values = readCommandLine();
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stop.abort());

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
async function runJazzer(long, name, corpus, found) {
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
  const child = spawn('npm', words, { cwd: ROOT, stdio: 'inherit', env });
  const end = () => child.kill();
  stop.signal.addEventListener('abort', end);
  const code = await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  stop.signal.removeEventListener('abort', end);
  return code === 0;
}

/** @returns whether a target kept its contract. */
async function runRandom({ fuzz }, worker, name, found) {
  const end = performance.now() + 1000 * Number(values.seconds);
  let inputs = 0;
  for (let seed = Number(values.seed); performance.now() < end && !stop.signal.aborted; seed++) {
    const options = { seed, runs: RUNS, signal: stop.signal };
    const { runs, failure, input } = await fuzz(worker, name, options);
    inputs += runs;
    if (failure === undefined) continue;
    writeFileSync(path.join(found, `seed-${seed}`), Buffer.from(input ?? '', 'base64'));
    say(`seed ${seed}: ${failure}`);
    return false;
  }
  say(`${inputs} inputs, nothing found`);
  return true;
}

const runner = await import(await compile('run-target', 'esm'));
const { targets } = await import(await compile('targets', 'esm'));
const names = values.names.length > 0 ? values.names : Object.keys(targets);
const unknown = names.find((name) => targets[name] === undefined);
if (unknown !== undefined)
  exitWith(`Expected a target (${Object.keys(targets).join(', ')}) but found ${unknown}; use one of these.`);
if (!['jazzer', 'random'].includes(values.engine))
  exitWith(`Expected --engine jazzer or random but found ${values.engine}; use one of these.`);
const isJazzer = values.engine === 'jazzer';
if (!isJazzer) say('Inputs are random, without regard to the code that they reach.');

const kept = await runner.withRunFolder(ROOT, async (folder) => {
  const long = isJazzer ? await compile('long', 'cjs') : undefined;
  const worker = isJazzer ? undefined : await runner.buildWorker(ROOT, folder);
  let count = 0;
  for (const name of names) {
    if (stop.signal.aborted) break;
    const [corpus, found] = ['corpus', 'found'].map((kind) => path.join(WORK, kind, name));
    for (const made of [corpus, found]) mkdirSync(made, { recursive: true });
    for (const [i, seed] of (await targets[name].seeds()).entries())
      writeFileSync(path.join(corpus, `seed-${i}`), seed);
    say(`\n== ${name}: ${values.seconds} s`);
    if (isJazzer ? await runJazzer(long, name, corpus, found) : await runRandom(runner, worker, name, found))
      count++;
  }
  return count;
});
if (stop.signal.aborted) {
  say('\nstopped');
  process.exitCode = 130;
} else {
  say(`\n${kept} of ${names.length} targets without a finding`);
  process.exitCode = kept === names.length ? 0 : 1;
}
