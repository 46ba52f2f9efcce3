import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.js';
import { Rng } from '../../src/base/rng.js';
import { readSafetensorsHeader } from '../../src/checkpoint/safetensors.js';
import { decodeImage } from '../../src/data/decode.js';
import { receiptSchema } from '../../src/eval/receipt.js';
import { writeModelFolder } from '../../src/export/model-folder.js';
import { buildGenerator } from '../../src/model/generator.js';
import { initParameters } from '../../src/model/parameters.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';
import { errorMessages, gnr, type Outcome } from '../support/gnr.js';
import { openOnnxruntime } from '../support/onnxruntime.js';

const onnxruntime = await openOnnxruntime();

const config = tinyConfig({
  model: MIN_LAYERS,
  data: { root: '/some/machine/selfies' },
  evaluation: { protocol: '/some/machine/protocol.json' },
});

let shared: string;
let model: string;
let photos: string;
let folder: string;
let out: string;

function randomModel() {
  const { specs } = buildGenerator(config.model);
  const tree = (name: string) => initParameters(specs, new Rng(1, name));
  return { architecture: config.model, values: { G_A2B: tree('there'), G_B2A: tree('back') } };
}

beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-export-'));
  model = join(shared, 'model');
  await writeModelFolder(model, randomModel(), { config, card: '' });
  const data = join(shared, 'data');
  await drawSampleDataset({ dir: data, images: 1, testImages: 2, size: 48 });
  photos = join(data, 'testA');
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-export-'));
  out = join(folder, 'out');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const exported = (format: string, ...words: string[]): Promise<Outcome> =>
  gnr('export', model, '--format', format, '--out', out, ...words);
const card = (): Promise<string> => readFile(join(out, 'README.md'), 'utf8');
const differences = (stdout: string): number[] =>
  [...stdout.matchAll(/^ {2}.*: (\S+) \(allowed: /gm)].map((match) => Number(match[1]));

async function translation(checkpoint: string): Promise<string> {
  const to = join(folder, 'translated');
  const words = ['--checkpoint', checkpoint, '--out', to, '--styles', '1', '--grid'];
  expect(await gnr('translate', photos, ...words)).toMatchObject({ code: 0 });
  // The pixels alone: the file also records which model made it.
  return sha256((await decodeImage(join(to, 'grid.png'))).data);
}

describe('gnr export --format safetensors', () => {
  let plain: string;
  let outcome: Outcome;
  beforeAll(async () => {
    plain = join(shared, 'plain');
    const words = ['--license', 'mit', '--data', '25 | drawings'];
    outcome = await gnr('export', model, '--format', 'safetensors', '--out', plain, ...words);
  });

  it('exits with 0, and prints its folder and that nothing differs', () => {
    const { code, stdout, stderr } = outcome;
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    expect(stdout).toContain(`${plain}\n`);
    expect(differences(stdout)).toEqual([0, 0]);
  });

  it('writes card, config, record and weights', async () => {
    expect((await readdir(plain)).sort()).toEqual([
      'README.md',
      'config.json',
      'export.json',
      'model.safetensors',
    ]);
  });

  it('writes weights in float32 by default, with the licence', async () => {
    const { entries, metadata } = await readSafetensorsHeader(join(plain, 'model.safetensors'));
    expect(new Set([...entries.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F32']));
    expect(metadata).toMatchObject({ format: 'pt', gnr: 'model', licence: 'mit' });
  });

  it('writes a model that translates to the same pixels', async () => {
    expect(await translation(plain)).toBe(await translation(model));
  });

  it('writes a card with the licence and the data that were named', async () => {
    const text = await readFile(join(plain, 'README.md'), 'utf8');
    expect(text).toMatch(/^---\nlicense: mit\n/);
    expect(text).toContain('Data: 25 | drawings');
    expect(text).toMatch(/^## Licence\n\nmit\b/m);
  });

  it('writes no local paths', async () => {
    expect(await exported('safetensors', '--precision', 'float16')).toMatchObject({ code: 0 });
    for (const name of await readdir(out))
      expect(await readFile(join(out, name), 'latin1')).not.toContain('/some/machine');
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8')).evaluation).toEqual({
      everySteps: null,
    });
    expect(await card()).toContain('selfies');
  });

  it('writes weights in float16 with --precision float16, and an unknown licence by default', async () => {
    expect(await exported('safetensors', '--precision', 'float16')).toMatchObject({ code: 0 });
    expect(await card()).toMatch(/^---\nlicense: unknown\n/);
    const { entries } = await readSafetensorsHeader(join(out, 'model.safetensors'));
    expect(new Set([...entries.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
  });
});

describe('gnr export --format onnx', () => {
  const parts = ['decoder_model', 'encoder_model', 'model', 'style_encoder'];
  const names = parts.flatMap((part) => [`${part}.onnx`, `${part}_fp16.onnx`]).sort();
  let onnx: string;
  let outcome: Outcome;
  beforeAll(async () => {
    onnx = join(shared, 'onnx');
    const words = ['--direction', 'B2A', '--compare', photos];
    outcome = await gnr('export', model, '--format', 'onnx', '--out', onnx, ...words);
  });

  it('writes every part of the model in both precisions', async () => {
    expect(outcome.code).toBe(0);
    expect((await readdir(join(onnx, 'onnx'))).sort()).toEqual(names);
  });

  it('compares every file on the images of --compare', () => {
    expect(outcome.stdout).toContain('compared on 2 images');
    expect(differences(outcome.stdout)).toHaveLength(names.length);
  });

  it.skipIf(!onnxruntime).each(['model.onnx', 'model_fp16.onnx'])(
    'writes a %s that onnxruntime runs at any batch size',
    async (name) => {
      const { InferenceSession, Tensor } = onnxruntime!;
      const { size, latentDim } = config.model;
      const session = await InferenceSession.create(join(onnx, 'onnx', name), { logSeverityLevel: 3 });
      for (const batch of [1, 3]) {
        const image = new Tensor('float32', new Float32Array(batch * 3 * size * size), [
          batch,
          3,
          size,
          size,
        ]);
        const style = new Tensor('float32', new Float32Array(batch * latentDim), [batch, latentDim]);
        const { translated } = await session.run({ image, style });
        expect(translated!.dims).toEqual([batch, 3, size, size]);
      }
      await session.release();
    },
  );

  it('writes a card that names every file and the direction', async () => {
    const text = await readFile(join(onnx, 'README.md'), 'utf8');
    for (const name of names) expect(text).toContain(`onnx/${name}`);
    expect(text).toContain('Direction B2A');
  });

  it('writes a single precision with --precision', async () => {
    expect(await exported('onnx', '--precision', 'float32')).toMatchObject({ code: 0 });
    expect(await readdir(join(out, 'onnx'))).toHaveLength(4);
  });
});

it('gnr export --format tfjs reads back what it wrote, without differences', async () => {
  const { code, stdout } = await exported('tfjs');
  expect([code, differences(stdout)]).toEqual([0, [0, 0]]);
  expect(await readdir(folder)).toEqual(['out']);
});

it('gnr export --format pt writes a single file, and compares both directions', async () => {
  const file = join(folder, 'ck.pt');
  const { code, stdout } = await gnr('export', '--checkpoint', model, '--format', 'pt', '--out', file);
  expect([code, differences(stdout).length]).toEqual([0, 2]);
  expect(await readdir(folder)).toEqual(['ck.pt']);
});

describe('gnr export --receipt', () => {
  async function receipt(sha256: string): Promise<string> {
    const figure = {
      metric: 'fid',
      key: 'fid',
      title: 'FID',
      better: 'lower',
      value: 12.345678,
      deviation: null,
      over: null,
      interval: null,
      values: [12.345678],
      n: { real: 2 },
      how: 'as | measured\nhere',
    };
    const methods = [{ name: 'this model', kind: 'model', figures: [figure], left: [] }];
    const parts = { methods, model: { path: 'm', sha256, size: 32, step: null } };
    // What an evaluation writes.
    for (const key of ['methods', 'model'] as const) receiptSchema.shape[key].parse(parts[key]);
    const path = join(folder, 'receipt.json');
    const head = {
      format: 'gnr-receipt',
      version: 1,
      created: '2026-01-01T00:00:00Z',
      protocol: { name: 'own' },
    };
    await writeFile(path, JSON.stringify({ ...head, ...parts }));
    return path;
  }

  it('puts the figures of an evaluation of these weights on the card', async () => {
    expect(await exported('safetensors', '--precision', 'float16')).toMatchObject({ code: 0 });
    const path = await receipt(sha256(await readFile(join(model, 'model.safetensors'))));
    expect(await exported('tfjs', '--receipt', path)).toMatchObject({ code: 0 });
    const row = (await card()).split('\n').find((line) => line.startsWith('| FID |'))!;
    const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    expect(cells).toEqual(expect.arrayContaining(['FID', 'this model', '12.35', 'lower']));
    expect(cells).toContain('as \\| measured here');
  });

  it('rejects the receipt of other weights', async () => {
    const other = await exported('tfjs', '--receipt', await receipt('0'.repeat(64)));
    expect(other.code).toBe(2);
    expect(other.stderr).toMatch(/receipt\.json but found one of 0000/);
    expect(await readdir(folder)).toEqual(['receipt.json']);
  });

  it.each([
    ['a file that is not a receipt', () => join(model, 'config.json')],
    ['a path that does not exist', () => join(folder, 'nothing')],
  ])('rejects %s', async (_, path) => {
    const { code, stderr } = await exported('tfjs', '--receipt', path());
    expect([code, stderr]).toEqual([2, expect.stringContaining(path())]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('gnr export rejects', () => {
  it.each([
    [['--format', 'safetensors', '--direction', 'B2A'], '--direction'],
    [['--format', 'pt', '--precision', 'float16'], '--precision'],
    [['--format', 'pt', '--license', 'mit'], '--license'],
    [['--format', 'tfjs', '--license', 'my own\nlicence'], '--license'],
    [['--format', 'tfjs', '--compare', 'nowhere'], 'nowhere'],
  ])('%j', async (words, text) => {
    const { code, stderr } = await gnr('export', model, '--out', out, ...words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('a call without a checkpoint', async () => {
    const { code, stderr } = await gnr('export', '--format', 'tfjs', '--out', out);
    expect([code, stderr]).toEqual([2, expect.stringContaining('gnr export CKPT')]);
  });

  it('the folder of the model itself as --out, and keeps its files', async () => {
    const before = await readdir(model);
    const { code, stderr } = await gnr('export', model, '--format', 'safetensors', '--out', model);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`new or empty folder at ${model}`)]);
    expect(await readdir(model)).toEqual(before);
  });

  it('a folder in place of a PyTorch file', async () => {
    const { code, stderr } = await gnr('export', model, '--format', 'pt', '--out', folder);
    expect([code, stderr]).toEqual([2, expect.stringContaining('the name of a file for --format pt')]);
  });

  it('an empty folder of images to compare on', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const { code, stderr } = await exported('onnx', '--compare', empty);
    expect([code, stderr]).toEqual([2, expect.stringContaining('or omit --compare')]);
  });

  it('weights that are not finite in every format, with exit code 2 and no files left', async () => {
    const broken = join(folder, 'broken');
    await cp(model, broken, { recursive: true });
    const bytes = await readFile(join(broken, 'model.safetensors'));
    bytes.fill(0x7e, bytes.byteLength - 2000);
    await writeFile(join(broken, 'model.safetensors'), bytes);
    for (const format of ['safetensors', 'onnx', 'tfjs', 'pt']) {
      const { code, stderr } = await gnr('export', broken, '--format', format, '--out', out);
      expect([format, code, stderr]).toEqual([
        format,
        2,
        expect.stringMatching(/finite numbers in the tensor/),
      ]);
    }
    expect(await readdir(folder)).toEqual(['broken']);
  });
});
