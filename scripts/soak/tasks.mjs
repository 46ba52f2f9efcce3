// The tasks of scripts/soak: each runs in a process of its own, with a budget of memory or counts, never of time.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { SMALL_MODEL } from '../small-model.mjs';

const MEGABYTE = 1e6;
const megabytes = (bytes) => `${(bytes / MEGABYTE).toFixed(0)} MB`;

const configOf = (root, steps) => ({
  model: SMALL_MODEL,
  data: { root },
  training: { batch: 2, steps },
  losses: { lpips: { weight: 0 } },
});

/** What a task is given: the program, a folder of its own, and whether it runs in its long form. */
class Bench {
  constructor({ program, folder, isLong }) {
    Object.assign(this, { program, folder, isLong });
    this.wrong = [];
    this.figures = {};
  }

  load(name) {
    return import(pathToFileURL(path.join(this.program, name)).href);
  }

  at(name) {
    return path.join(this.folder, name);
  }

  /** Notes a figure, and that it is over its budget. */
  within(name, value, budget, show = String) {
    this.figures[name] = `${show(value)} (allowed: ${show(budget)})`;
    if (!(value <= budget)) this.wrong.push(`${name}: ${show(value)}, more than ${show(budget)}`);
  }

  /** Runs a command line in this process. @throws Error if it fails. */
  gnr(...words) {
    return this.gnrEndingWith([0], ...words);
  }

  async gnrEndingWith(codes, ...words) {
    const { runCommandLine } = await this.load('cli/command-line.js');
    const writes = [process.stdout.write, process.stderr.write];
    let output = '';
    const collect = (text) => {
      output = (output + text).slice(-4000);
      return true;
    };
    [process.stdout.write, process.stderr.write] = [collect, collect];
    const code = await runCommandLine(words).finally(() => {
      [process.stdout.write, process.stderr.write] = writes;
    });
    if (!codes.includes(code)) throw new Error(`gnr ${words.join(' ')} ended with ${code}: ${output}`);
  }

  /** Runs `work` and looks at the memory of this process all the while. @returns the most that it had, bytes. */
  async peakOf(work) {
    let peak = process.memoryUsage.rss();
    const timer = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 20);
    await work().finally(() => clearInterval(timer));
    return Math.max(peak, process.memoryUsage.rss());
  }

  drawDataset() {
    return this.gnr(
      'dataset',
      'sample',
      this.at('data'),
      '--images',
      '8',
      '--test-images',
      '2',
      '--size',
      '32',
    );
  }
}

/** What is alive, after the garbage has gone. */
async function aliveBytes() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapUsed, arrayBuffers };
}

/** Slope of a line through points, per unit of x. */
function slopeOf(points) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([px]) => px)), mean(points.map(([, py]) => py))];
  const covariance = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  return covariance / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
}

/** File systems allow 65,000 links to a file. */
const LINKS = 50_000;

/** A folder with so many names of one image of about a kilobyte. */
async function linkImages(folder, count) {
  fs.mkdirSync(folder, { recursive: true });
  const noise = Uint8Array.from({ length: 18 * 18 * 3 }, (_, i) => (i * 7919) % 251);
  const bytes = await sharp(noise, { raw: { width: 18, height: 18, channels: 3 } })
    .png()
    .toBuffer();
  for (let i = 0; i < count; i++) {
    const name = path.join(folder, `image-${String(i).padStart(6, '0')}.png`);
    if (i % LINKS === 0) fs.writeFileSync(name, bytes);
    else fs.linkSync(path.join(folder, `image-${String(i - (i % LINKS)).padStart(6, '0')}.png`), name);
  }
}

async function images(bench) {
  const count = bench.isLong ? 100_000 : 2000;
  bench.figures.images = count;
  const root = bench.at('data');
  await linkImages(path.join(root, 'trainA'), count);
  await linkImages(path.join(root, 'trainB'), 50);
  await linkImages(path.join(root, 'testB'), 2);
  const { openDataset } = await bench.load('data/folder.js');
  const { ImageLoader } = await bench.load('data/loader.js');
  const { Sampler } = await bench.load('data/sampler.js');
  const { Rng } = await bench.load('base/rng.js');
  const { collectInputs } = await bench.load('images/inputs.js');
  const { checkOutputs } = await bench.load('images/output-names.js');
  const before = await aliveBytes();
  const kept = [];
  const measure = async (name, work) => {
    const peak = await bench.peakOf(async () => void kept.push(await work()));
    const { heapUsed } = await aliveBytes();
    bench.within(`${name}, peak of resident memory`, peak, 600 * MEGABYTE, megabytes);
    bench.within(`${name}, kept`, heapUsed - before.heapUsed, 20 * MEGABYTE + 1500 * count, megabytes);
    kept.length = 0;
  };
  await measure('listing', () => openDataset(root, { requireTest: false }));
  await measure('first batch', async () => {
    const { trainA: files } = await openDataset(root, { requireTest: false });
    const sampler = new Sampler(files.length, new Rng(1, 'soak'));
    const loader = new ImageLoader({ files, sampler, batch: 4, size: 32, prefetch: 2 });
    await loader.next();
    await loader.close();
  });
  await measure("translate's plan", async () => {
    const inputs = await collectInputs([path.join(root, 'trainA')]);
    const plan = {
      inputs,
      styles: [{ label: 'style-1' }],
      outDir: bench.at('out'),
      grid: false,
      isByFace: false,
    };
    await checkOutputs(plan);
    return inputs;
  });
  // It decodes and hashes every image, and finds that all are the same.
  const words = ['dataset', 'check', root, '--html', bench.at('check.html')];
  await measure('dataset check', () => bench.gnrEndingWith([0, 1], ...words));
}

async function metrics(bench) {
  const rows = bench.isLong ? 300_000 : 3000;
  bench.figures.rows = rows;
  await bench.drawDataset();
  const config = {
    ...configOf(bench.at('data'), 2),
    log: { everySteps: 1, sampleEverySteps: 2, sampleImages: 1 },
    runtime: { capture: false },
  };
  fs.writeFileSync(bench.at('config.json'), JSON.stringify(config));
  const run = bench.at('run');
  await bench.gnr('train', '--config', bench.at('config.json'), '--out', run);
  // Rows of the steps that the checkpoint has, as a long run has them.
  const file = path.join(run, 'metrics.jsonl');
  const row = fs.readFileSync(file, 'utf8').split('\n').at(-2);
  fs.writeFileSync(file, `${row}\n`.repeat(rows));
  let parsed = 0;
  const { parse } = JSON;
  JSON.parse = (text, ...rest) => {
    if (typeof text === 'string' && text.includes('"terms"')) parsed++;
    return parse(text, ...rest);
  };
  const pages = 10;
  const resumed = ['train', '--out', run, '--resume', '--steps', String(2 + 2 * pages)];
  const peak = await bench.peakOf(() => bench.gnr(...resumed));
  JSON.parse = parse;
  bench.figures.pages = pages;
  bench.within('rows parsed while it trained', parsed, rows + 100);
  bench.within('peak of resident memory', peak, 1200 * MEGABYTE, megabytes);
  const page = await bench.peakOf(() => bench.gnr('report', run));
  bench.within("peak of the page's own command", page, 1200 * MEGABYTE, megabytes);
}

async function evaluation(bench) {
  const outputs = bench.isLong ? 20_000 : 2000;
  const size = 64;
  const pixels = size * size * 3;
  bench.figures.outputs = outputs;
  const { loadEngine } = await bench.load('runtime/node.js');
  await loadEngine();
  const { memoryImage } = await bench.load('eval/measured-image.js');
  const { FeatureCache } = await bench.load('eval/features/feature-cache.js');
  const { evaluateMethods } = await bench.load('eval/measure-methods.js');
  const { protocolSchema } = await bench.load('eval/protocol.js');
  const dims = 16;
  const extractor = {
    id: 'soak',
    kind: 'inception',
    description: 'mean values of parts of an image',
    dims,
    async extract(images) {
      const rows = await Promise.all(
        images.map(async (image) => {
          const { data } = await image.read();
          return Array.from({ length: dims }, (_, d) => data[(d * 997) % data.length] / 255);
        }),
      );
      return Float32Array.from(rows.flat());
    },
    dispose: () => undefined,
  };
  let made = 0;
  const make = (name) => {
    const data = new Uint8Array(pixels);
    for (let i = 0; i < pixels; i++) data[i] = (i * 31 + made * 17 + ((made * i) % 13)) & 255;
    made++;
    return memoryImage(name, { data, width: size, height: size });
  };
  let most = 0;
  const perInput = 10;
  const method = {
    name: 'soak',
    kind: 'model',
    inputs: outputs / perInput,
    outputsPerInput: perInput,
    outputs,
    isRandom: true,
    firstSize: async () => ({ width: size, height: size }),
    async *groups() {
      for (let input = 0; input < outputs / perInput; input++) {
        if (input % 50 === 49) most = Math.max(most, (await aliveBytes()).arrayBuffers);
        yield [{ input, outputs: Array.from({ length: perInput }, (_, i) => make(`${input}, ${i}`)) }];
      }
    },
  };
  const protocol = protocolSchema.parse({
    name: 'soak',
    styles: { perInput },
    seeds: [1],
    metrics: { fid: {}, kid: { subsets: 10, subsetSize: 50 } },
  });
  const features = new FeatureCache(async () => extractor);
  const real = Array.from({ length: 100 }, (_, i) => make(`real ${i}`));
  const resources = { features, factors: undefined, lpips: () => Promise.reject(new Error('no LPIPS here')) };
  const [{ result }] = await evaluateMethods({ protocol, methods: [method], real, resources });
  if (result.figures.length === 0) bench.wrong.push(`nothing was measured: ${JSON.stringify(result.left)}`);
  bench.figures['pixels of all outputs'] = megabytes(outputs * pixels);
  // All outputs have more; the features, the real images and those for the report have less.
  const budget = bench.isLong ? 200 * MEGABYTE : 10 * MEGABYTE;
  bench.within('arrayBuffers after garbage collection', most, budget, megabytes);
}

async function steps(bench) {
  const all = bench.isLong ? Number(process.env.GNR_SOAK_STEPS ?? 50_000) : 300;
  bench.figures.steps = all;
  await bench.drawDataset();
  const every = Math.max(1, Math.floor(all / 100));
  const config = {
    ...configOf(bench.at('data'), all),
    log: { everySteps: every, sampleEverySteps: 20 * every, sampleImages: 1 },
    checkpoint: { everySteps: 20 * every, keepLast: 2 },
  };
  fs.writeFileSync(bench.at('config.json'), JSON.stringify(config));
  const run = bench.at('run');
  const descriptors = [];
  const timer = setInterval(() => descriptors.push(fs.readdirSync('/proc/self/fd').length), 100);
  await bench
    .gnr('train', '--config', bench.at('config.json'), '--out', run)
    .finally(() => clearInterval(timer));
  const rows = fs.readFileSync(path.join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const points = rows.map((text) => JSON.parse(text)).map(({ step, rssBytes }) => [step / 1000, rssBytes]);
  // The first half fills pools and caches.
  const second = points.slice(Math.floor(points.length / 2));
  bench.figures['resident memory at the end'] = megabytes(points.at(-1)[1]);
  const slope = slopeOf(second);
  const show = (bytes) => `${(bytes / MEGABYTE).toFixed(2)} MB per 1,000 steps`;
  bench.within('growth', slope, (bench.isLong ? 1 : 400) * MEGABYTE, show);
  const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
  const [middle, late] = [
    descriptors.slice(Math.floor(descriptors.length / 3), Math.floor((2 * descriptors.length) / 3)),
    descriptors.slice(Math.floor((2 * descriptors.length) / 3)),
  ].map(median);
  bench.within('open descriptors, against those before', late - middle, 2);
  const left = fs
    .readdirSync(run, { recursive: true })
    .filter((name) => /(^|\/)\.(gnr-)?(tmp|old)-|\.lock$/.test(name));
  bench.within('temporary files left', left.length, 0);
  const kept = fs.readdirSync(path.join(run, 'checkpoints')).filter((name) => name.startsWith('step-'));
  bench.within('checkpoints kept', kept.length, 2);
}

/** The resident memory of a process and its children now, bytes. */
function familyBytes(pid) {
  const read = (file) => {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const pages = Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0);
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
  return 4096 * pages + children.reduce((sum, child) => sum + familyBytes(child), 0);
}

async function video(bench) {
  if (spawnSync('ffmpeg', ['-version']).status !== 0) return { skipped: 'ffmpeg is not on PATH' };
  const seconds = bench.isLong ? Number(process.env.GNR_SOAK_SECONDS ?? 7200) : 20;
  bench.figures.video = `${seconds} s at 5 frames a second`;
  await bench.drawDataset();
  fs.writeFileSync(bench.at('config.json'), JSON.stringify(configOf(bench.at('data'), 1)));
  await bench.gnr('train', '--config', bench.at('config.json'), '--out', bench.at('run'));
  const source = ['-f', 'lavfi', '-i', `testsrc=size=64x64:rate=5:duration=${seconds}`];
  const made = spawnSync('ffmpeg', ['-v', 'error', ...source, '-pix_fmt', 'yuv420p', bench.at('in.mp4')]);
  if (made.status !== 0) throw new Error(`ffmpeg: ${made.stderr}`);
  const words = ['video', bench.at('in.mp4'), '--checkpoint', bench.at('run'), '--out', bench.at('out.mp4')];
  const main = path.join(bench.program, 'cli', 'main.js');
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr = (stderr + text).slice(-4000);
  });
  const memory = [];
  const timer = setInterval(() => memory.push(familyBytes(child.pid)), 100);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`gnr video ended with ${code}: ${stderr}`);
  const most = (values) => values.reduce((a, b) => Math.max(a, b), 0);
  bench.within('peak with ffmpeg', most(memory), 1200 * MEGABYTE, megabytes);
  // A short video ends before its pools are full.
  const [second, last] = [1, 3].map((i) =>
    most(memory.slice((i * memory.length) / 4, ((i + 1) * memory.length) / 4)),
  );
  if (bench.isLong)
    bench.within('growth from the second to the last quarter', last - second, 100 * MEGABYTE, megabytes);
  const probed = spawnSync('ffprobe', [
    ...['-v', 'error', '-count_packets', '-select_streams', 'v', '-show_entries', 'stream=nb_read_packets'],
    ...['-of', 'csv=p=0', bench.at('out.mp4')],
  ]);
  const frames = Number(String(probed.stdout).trim());
  bench.within('frames that are missing', 5 * seconds - frames, 0);
}

const TASKS = { images, metrics, evaluation, steps, video };
export const TASK_NAMES = Object.keys(TASKS);

/** Runs a task. @returns its figures, and what is wrong with them. */
export async function runTask({ name, ...options }) {
  const bench = new Bench(options);
  const { skipped } = (await TASKS[name](bench)) ?? {};
  return { name, skipped, figures: bench.figures, wrong: bench.wrong };
}
