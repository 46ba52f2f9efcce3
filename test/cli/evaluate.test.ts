import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { decodeImage, encodePng } from '../../src/data/decode.js';
import { type Receipt, receiptSchema } from '../../src/eval/receipt.js';
import { loadEngine } from '../../src/runtime/node.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { gnr, type Outcome } from '../support/gnr.js';
import { leaveTemporary } from '../support/leftovers.js';
import { formulaCache } from '../support/weights.js';

const PROTOCOL = {
  name: 'small',
  inputs: { count: 3 },
  real: { folder: 'testB', count: 12 },
  styles: { perInput: 2 },
  seeds: [1, 2],
  metrics: {
    fid: {},
    kid: { subsets: 3, subsetSize: 3 },
    precisionRecall: { neighbours: 2 },
    lpipsDiversity: { net: 'alex' },
    dfid: { inputs: 1, styles: 3 },
    cycleError: {},
    styleConsistency: { views: 2 },
    contentConsistency: {},
    factors: {},
  },
};

let folder = '';
let data = '';
let protocol = '';
const model = 'models/sample';

beforeAll(async () => {
  await loadEngine();
  const { GNR_CACHE_DIR } = await formulaCache('inception', 'alexnet', 'lpips-alex');
  vi.stubEnv('GNR_CACHE_DIR', GNR_CACHE_DIR);
  folder = await mkdtemp(join(tmpdir(), 'gnr-evaluate-'));
  data = join(folder, 'data');
  await drawSampleDataset({ dir: data, images: 6, testImages: 12, size: 64 });
  protocol = join(folder, 'small.json');
  await writeFile(protocol, JSON.stringify(PROTOCOL));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function receiptIn(out: string): Promise<Receipt> {
  return receiptSchema.parse(JSON.parse(await readFile(join(out, 'receipt.json'), 'utf8')));
}

function figure(receipt: Receipt, method: string, key: string) {
  return receipt.methods.find(({ name }) => name === method)!.figures.find((entry) => entry.key === key);
}

/** Standard error without lines of progress. */
const withoutProgress = (stderr: string): string =>
  stderr.replace(/^.*(images|inputs|steps).*$/gm, '').trim();

describe('gnr evaluate of a model', () => {
  let out: string;
  let done: Outcome;
  let receipt: Receipt;
  beforeAll(async () => {
    out = join(folder, 'out');
    // A killed process has left this.
    await leaveTemporary(join(out, 'receipt.json'), '{');
    done = await gnr('evaluate', model, '--data', data, '--out', out, '--protocol', protocol);
    receipt = await receiptIn(out);
  });

  it('exits with 0, writes only progress to standard error, and prints the path of the page', () => {
    expect([done.code, withoutProgress(done.stderr)]).toEqual([0, '']);
    expect(done.stdout).toMatch(/model/);
    expect(done.stdout).toContain(join(out, 'report.html'));
  });

  it('measures the model and every baseline', () => {
    expect(receipt.methods.map(({ name }) => name)).toEqual([
      'model',
      'identity',
      'colour-transfer',
      'random-target',
      'real-split',
    ]);
  });

  it('has a figure for every metric of the protocol', () => {
    const keys = receipt.methods[0]!.figures.map(({ key }) => key);
    expect(keys).toEqual(
      expect.arrayContaining([
        'fid',
        'kid',
        'precision',
        'recall',
        'lpips',
        'dfid',
        'cycle',
        'style',
        'content',
      ]),
    );
    expect(keys).toContain('factors/x');
  });

  it('has a value for each seed, and counts the images behind it', () => {
    expect(figure(receipt, 'model', 'fid')!.values).toHaveLength(2);
    expect(figure(receipt, 'model', 'fid')!.n).toEqual({ outputs: 6, real: 12 });
    expect(figure(receipt, 'identity', 'fid')!.n).toEqual({ outputs: 3, real: 12 });
  });

  // With weights from a formula, FID tells photos from anime, but not how good a model's images are.
  it('finds the FID of unchanged inputs above those of the model and of real images as outputs', () => {
    const fid = (method: string): number => figure(receipt, method, 'fid')!.value;
    for (const method of ['model', 'random-target', 'real-split'])
      expect(fid(method)).toBeLessThan(fid('identity'));
  });

  it('finds diverse outputs of the model, and none of unchanged inputs', () => {
    expect(figure(receipt, 'identity', 'lpips')!.value).toBe(0);
    expect(figure(receipt, 'model', 'lpips')!.value).toBeGreaterThan(0);
  });

  it('names the metrics that a baseline cannot have', () => {
    expect(receipt.methods[1]!.left.map(({ metric }) => metric)).toContain('cycleError');
  });

  it('records that the weights of its metrics are unverified', () => {
    expect(receipt.weights.map(({ verified }) => verified)).toEqual(receipt.weights.map(() => false));
    expect(receipt.weights).not.toEqual([]);
  });

  it('writes a receipt, a page with all methods, and the hashes of all real images, and leaves nothing that a killed process was writing', async () => {
    expect((await readdir(out)).sort()).toEqual([
      'inputs.sha256',
      'other-real.sha256',
      'real.sha256',
      'receipt.json',
      'report.html',
    ]);
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('colour-transfer');
  });

  it('reproduces every figure with --verify', async () => {
    const again = await gnr('evaluate', '--verify', join(out, 'receipt.json'));
    expect(again.stdout).toMatch(/figures reproduced exactly/);
    expect(again.code).toBe(0);
  });

  it('reports a single changed image by its name with --verify', async () => {
    const own = join(folder, 'own');
    await cp(data, own, { recursive: true });
    const out = join(folder, 'out-own');
    const words = ['--baselines', 'none', '--metrics', 'kid', '--protocol', protocol];
    expect((await gnr('evaluate', model, '--data', own, '--out', out, ...words)).code).toBe(0);
    const changed = join(own, 'testB', (await readdir(join(own, 'testB')))[1]!);
    const image = await decodeImage(changed);
    image.data[0] = image.data[0]! ^ 1;
    await encodePng(image, changed);
    const again = await gnr('evaluate', '--verify', join(out, 'receipt.json'));
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/the images of real/);
    expect(again.stderr).toMatch(/00001\.png has changed/);
  });
});

describe('gnr evaluate', () => {
  it('compares folders of images of mixed sizes, without a model', async () => {
    const fake = join(folder, 'fake');
    await mkdir(fake);
    const flat = (size: number, value: number) => ({
      data: new Uint8Array(size * size * 3).fill(value),
      width: size,
      height: size,
    });
    await encodePng(flat(20, 10), join(fake, 'a.png'));
    await encodePng(flat(33, 200), join(fake, 'b.png'));
    const real = join(data, 'testB');
    const words = ['--real', real, '--fake', `flat=${fake}`, '--fake', real];
    const done = await gnr('evaluate', ...words, '--metrics', 'fid', '--baselines', 'none', '--json');
    expect(withoutProgress(done.stderr)).toBe('');
    const receipt = receiptSchema.parse(JSON.parse(done.stdout));
    expect(receipt.methods.map(({ name }) => name)).toEqual(['flat', 'testB']);
    expect(figure(receipt, 'testB', 'fid')!.value).toBeLessThan(1e-3);
    expect(figure(receipt, 'flat', 'fid')!.value).toBeGreaterThan(1);
  });

  it.each([
    ['no image', async () => undefined, /no images/],
    [
      'a corrupt image',
      async (dir: string) => {
        await cp(join(data, 'testB/00000.png'), join(dir, 'a.png'));
        await writeFile(join(dir, 'b.png'), 'no image');
      },
      /b\.png/,
    ],
  ])('rejects a folder with %s', async (name, fill, message) => {
    const dir = join(folder, name.replaceAll(' ', '-'));
    await mkdir(dir);
    await fill(dir);
    const words = [
      '--real',
      join(data, 'testB'),
      '--fake',
      `x=${dir}`,
      '--metrics',
      'fid',
      '--baselines',
      'none',
    ];
    const done = await gnr('evaluate', ...words);
    expect(done.stderr).toMatch(message);
    expect(done.code).toBe(2);
  });

  it('skips metrics that need more images, with the reason', async () => {
    const dir = join(folder, 'single');
    await mkdir(dir);
    await cp(join(data, 'testB/00000.png'), join(dir, 'one.png'));
    const done = await gnr(
      'evaluate',
      '--data',
      data,
      '--fake',
      `one=${dir}`,
      '--protocol',
      protocol,
      '--json',
    );
    expect(done.code).toBe(0);
    const { methods } = receiptSchema.parse(JSON.parse(done.stdout));
    const one = methods.find(({ name }) => name === 'one')!;
    expect(one.figures).toEqual([]);
    expect(one.left.map(({ metric }) => metric).sort()).toEqual(Object.keys(PROTOCOL.metrics).sort());
    expect(methods.find(({ name }) => name === 'identity')!.figures.length).toBeGreaterThan(0);
  });

  it.each([
    ['nothing to measure', ['--real', 'REAL', '--baselines', 'none'], /something to evaluate/],
    ['no real images', [model], /--data|--real/],
    ['a model without inputs', [model, '--real', 'REAL'], /--inputs/],
    [
      'two methods of one name',
      ['--real', 'REAL', '--fake', 'a=REAL', '--fake', 'a=REAL'],
      /name of its own/,
    ],
    ['an unknown baseline', ['--real', 'REAL', '--baselines', 'best'], /best/],
    ['a run and a checkpoint', [model, '--checkpoint', model, '--real', 'REAL'], /not both/],
    ['a fractional number of styles', [model, '--data', 'REAL', '--styles', '2.5'], /perInput/],
    ['a seed twice', ['--real', 'REAL', '--seeds', '3,3'], /every seed once/],
    ['bad seeds', ['--real', 'REAL', '--seeds', '1,x'], /--seeds/],
    ['missing weights', ['--real', 'REAL', '--metrics', 'fid', '--protocol', 'stargan-v2'], /weights fetch/],
    ['a file that is not a receipt', ['--verify', 'package.json'], /receipt/],
  ])('rejects %s', async (_, words, message) => {
    const done = await gnr('evaluate', ...words.map((word) => word.replace('REAL', join(data, 'testB'))));
    expect(done.stderr).toMatch(message);
    expect(done.code).toBe(2);
  });
});
