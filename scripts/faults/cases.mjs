// The commands that scripts/faults stops at every change of a file, and what has to hold afterwards.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { SMALL_MODEL } from '../small-model.mjs';
import { branchOf } from './trees.mjs';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

const STEPS = 3;
const CONFIG = {
  model: SMALL_MODEL,
  training: { batch: 2, steps: STEPS, r1EverySteps: 2 },
  losses: { lpips: { weight: 0 } },
  checkpoint: { everySteps: 1, keepLast: STEPS },
  log: { everySteps: 1, sampleEverySteps: 2, sampleImages: 1 },
  runtime: { capture: false },
};

/** The folders of one run of the script: `given` is what commands read, and the box what they change. */
export const placesOf = (work, given) => ({
  work,
  given,
  data: path.join(given, 'data'),
  config: path.join(given, 'config.json'),
  run: path.join(given, 'run'),
  video: path.join(given, 'in.mp4'),
  weights: path.join(given, 'new.safetensors'),
  oldWeights: path.join(given, 'old.safetensors'),
  box: path.join(work, 'box'),
  at: (name) => path.join(work, 'box', name),
});

const checkpointOf = (run, step) => path.join(run, 'checkpoints', `step-${String(step).padStart(6, '0')}`);

export const hasFfmpeg = () =>
  ['ffmpeg', 'ffprobe'].every((name) => spawnSync(name, ['-version']).status === 0);

/** Writes weights of LPIPS's linear layers with one number everywhere, as safetensors. */
function writeLinearWeights(file, value) {
  const header = {};
  let end = 0;
  for (const [i, channels] of [64, 192, 384, 256, 256].entries()) {
    header[`lin${i}.model.1.weight`] = {
      dtype: 'F32',
      shape: [1, channels, 1, 1],
      data_offsets: [end, end + 4 * channels],
    };
    end += 4 * channels;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const numbers = new Float32Array(end / 4).fill(value);
  fs.writeFileSync(file, Buffer.concat([length, text, Buffer.from(numbers.buffer)]));
}

/** Makes what the commands read. @param gnr runs a command line, and throws if it fails. */
export async function makeGiven(places, gnr) {
  fs.mkdirSync(places.given);
  await gnr('dataset', 'sample', places.data, '--images', '4', '--test-images', '2', '--size', '32');
  fs.writeFileSync(places.config, JSON.stringify({ ...CONFIG, data: { root: places.data } }));
  await gnr('train', '--config', places.config, '--out', places.run);
  writeLinearWeights(places.oldWeights, 0.25);
  writeLinearWeights(places.weights, 0.5);
  if (!hasFfmpeg()) return;
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=5:duration=1'];
  spawnSync('ffmpeg', ['-v', 'error', ...source, '-pix_fmt', 'yuv420p', places.video]);
}

const exportCase = (format, result) => ({
  name: `export ${format}`,
  results: [result],
  words: (places, { old } = {}) => [
    ...['export', checkpointOf(places.run, old ? 1 : STEPS), '--format', format],
    ...['--out', places.at(result)],
  ],
  prepare: 'old',
});

/** The files of a run that tell what was trained, without times and memory. */
function trainedFiles(tree, box) {
  const found = new Map([...tree].filter(([name]) => /^run\/checkpoints\/(latest|step-\d+\/.*)$/.test(name)));
  // The time of training is in a checkpoint's state.
  for (const name of found.keys()) if (name.endsWith('/state.json')) found.set(name, 'a state');
  const log = path.join(box, 'run', 'metrics.jsonl');
  const rows = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').split('\n') : [];
  for (const [i, row] of rows.entries()) {
    if (row === '') continue;
    const { step, learningRate, terms } = JSON.parse(row);
    found.set(`row ${i}`, JSON.stringify({ step, learningRate, terms }));
  }
  for (const name of tree.keys()) if (TEMPORARY.test(name) || LOCK.test(name)) found.set(name, 'left');
  return found;
}

/** A fake machine (test/support/fake-machine.ts) in the box: set-up downloads, compiles and installs small files. */
const setupCase = {
  name: 'setup',
  results: [],
  canBeRemade: true,
  // The record has times; a set-up that has nothing to do takes no lock.
  ignored: /(^|\/)(calls\.log|gnr-setup\.json|setup\.lock)$/,
  async prepare(places, program) {
    const fakes = await loadFakes(places, program);
    const before = process.env.TMPDIR;
    process.env.TMPDIR = places.box;
    const machine = await fakes.fakeMachine();
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    fs.renameSync(machine.root, places.at('machine'));
    const root = places.at('machine');
    await fakes.fakePackages(root);
    const wheel = path.join(root, 'any.whl');
    fakes.writeWheel(wheel, fakes.TENSORFLOW_FILES);
    const python = fakes.fakePython(fakes.deliver(wheel));
    const programs = { python3: python, 'c++': fakes.fakeCompiler('good') };
    for (const [name, script] of Object.entries(programs))
      fs.writeFileSync(path.join(root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  },
  async run(places, program) {
    const fakes = await loadFakes(places, program);
    const { setUpEngine } = await import(pathToFileURL(path.join(program, 'setup', 'setup.js')).href);
    const root = places.at('machine');
    const cache = path.join(root, 'cache');
    const env = { PATH: path.join(root, 'bin'), HOME: root, LOG: path.join(root, 'calls.log') };
    await setUpEngine({
      env: { ...env, GNR_CACHE_DIR: cache },
      packages: {
        tfjs: path.join(root, 'tfjs'),
        tfjsVersion: '4.22.0',
        headers: path.join(root, 'headers'),
      },
      platform: { system: 'linux', architecture: process.arch, glibc: '2.36' },
      root,
      freeBytes: 1e12,
      wheels: fakes.wheelsOf(path.join(root, 'any.whl')),
    });
  },
};

async function loadFakes({ work }, program) {
  const file = path.join(work, 'fake-machine.mjs');
  if (!fs.existsSync(file)) {
    // Every process of the script reads this module, and few of them compile.
    const { default: ts } = await import('typescript');
    const source = fs.readFileSync(path.join(ROOT, 'test', 'support', 'fake-machine.ts'), 'utf8');
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
    const { outputText } = ts.transpileModule(source, { compilerOptions });
    fs.writeFileSync(file, outputText.replaceAll('../../src/', `${pathToFileURL(program).href}/`));
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(work, 'node_modules'));
  }
  return import(pathToFileURL(file).href);
}

/**
 * The table. `results` are what a command replaces, each as a whole; every other file of the box is its user's. `prepare` makes
 * the box: `old` runs the command once with older input. `next` is the command that goes on; by default the same one.
 * A command that `refusesToRepeat` replaces nothing: if it was stopped at its very end, the next one says that all is there.
 * What `canBeRemade` need not be on the disk before it has its name.
 */
export const CASES = [
  exportCase('safetensors', 'out'),
  exportCase('onnx', 'out'),
  exportCase('tfjs', 'out'),
  exportCase('pt', 'out.pt'),
  {
    name: 'video',
    needs: () => (hasFfmpeg() ? undefined : 'ffmpeg and ffprobe are not on PATH'),
    results: ['out.mp4'],
    words: (places, { old } = {}) => [
      ...['video', places.video, '--checkpoint', checkpointOf(places.run, old ? 1 : STEPS)],
      ...['--out', places.at('out.mp4'), '--face', 'off'],
    ],
    prepare: 'old',
  },
  {
    name: 'translate',
    results: ['translated/00000_style-1.png', 'translated/00001_style-1.png'],
    words: (places, { old } = {}) => [
      ...[
        'translate',
        path.join(places.data, 'testA'),
        '--checkpoint',
        checkpointOf(places.run, old ? 1 : STEPS),
      ],
      ...['--out', places.at('translated'), '--styles', '1', '--face', 'off'],
    ],
    prepare: 'old',
  },
  {
    name: 'dataset check',
    results: ['check.html'],
    words: (places) => [
      ...['dataset', 'check', places.data, '--html', places.at('check.html'), '--size', '32'],
      // Drawn faces are alike.
      ...['--allow', 'near-duplicate'],
    ],
  },
  {
    name: 'import',
    results: ['imported'],
    refusesToRepeat: true,
    words: (places) => [
      'import',
      path.join(ROOT, 'test/fixtures/reference/checkpoint-main.pt'),
      ...['--out', places.at('imported'), '--set', `data.root=${places.data}`],
    ],
  },
  {
    name: 'weights import',
    // Weights that do not fit their record are noticed when they are loaded, and imported anew.
    results: ['cache/weights/lpips-alex.safetensors', 'cache/weights/lpips-alex.json'],
    env: (places) => ({ GNR_CACHE_DIR: places.at('cache') }),
    words: (places, { old } = {}) => [
      ...['weights', 'import', old ? places.oldWeights : places.weights, '--unverified'],
    ],
    prepare: 'old',
  },
  {
    name: 'dataset sample',
    results: ['drawn'],
    canBeRemade: true,
    refusesToRepeat: true,
    words: (places) => [
      ...['dataset', 'sample', places.at('drawn'), '--images', '2', '--test-images', '1', '--size', '16'],
    ],
  },
  setupCase,
  {
    name: 'train',
    results: [],
    words: (places) => ['train', '--config', places.config, '--out', places.at('run')],
    next: (places) =>
      fs.existsSync(places.at('run/checkpoints')) &&
      fs.readdirSync(places.at('run/checkpoints')).some((name) => name.startsWith('step-'))
        ? ['train', '--out', places.at('run'), '--resume']
        : ['train', '--config', places.config, '--out', places.at('run')],
    view: trainedFiles,
    /** Every checkpoint that has its name is whole, and the same as that of the run that nothing stopped. */
    problems(view, undisturbed) {
      const steps = new Set(
        [...view.keys()].flatMap((name) => /^run\/checkpoints\/(step-\d+)\//.exec(name)?.[1] ?? []),
      );
      return [...steps].flatMap((step) => {
        const name = `run/checkpoints/${step}`;
        const [ours, theirs] = [branchOf(view, name), branchOf(undisturbed, name)];
        return ours.size === theirs.size && [...ours].every(([key, value]) => theirs.get(key) === value)
          ? []
          : [`the checkpoint ${step} is not that of an undisturbed run`];
      });
    },
  },
];

export const TEMPORARY = /(^|\/)\.(gnr-)?(tmp|old)-/;
export const LOCK = /\.lock(\.\d+\.\d+)?$/;
/** What a user may have beside a result; nothing that a command does changes these. */
export const MINE = ['mine.txt', 'out.txt', 'out-old', '.old-out', '.tmp-out-notes', '.drawn', 'run.zip'];
