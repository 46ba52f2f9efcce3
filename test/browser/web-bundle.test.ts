import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { float32ToFloat16 } from '../../src/base/half-floats.js';
import { Rng } from '../../src/base/rng.js';
import { stepName } from '../../src/base/step-names.js';
import { type ChosenFile, filesAt, filesOf } from '../../src/browser/model-files.js';
import { loadWebModel } from '../../src/browser/web-bundle.js';
import type { WebBundle } from '../../src/browser/web-bundle-manifest.js';
import { buildGenerator } from '../../src/model/generator.js';
import { initParameters } from '../../src/model/parameters.js';
import { readModel } from '../../src/translate/model.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';

const { model: architecture } = tinyConfig({ model: MIN_LAYERS });
const { specs } = buildGenerator(architecture);
const values = initParameters(specs, new Rng(1, 'bundle'));
const NETWORKS = ['G_A2B', 'G_B2A'];

type Files = Record<string, Uint8Array<ArrayBuffer>>;

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const chosen = (files: Files): ChosenFile[] =>
  Object.entries(files).map(([path, bytes]) => ({ path, file: new Blob([bytes]) }));

/** Every number as the dtype holds it. */
function encoded(data: Float32Array, dtype: 'float32' | 'float16'): Uint8Array {
  if (dtype === 'float32') return new Uint8Array(data.slice().buffer);
  const bits = new Uint16Array(data.length);
  float32ToFloat16(data, bits);
  return new Uint8Array(bits.buffer);
}

/** A bundle of two shards, with tensors at odd places: three bytes lie before each. */
function bundleOf(dtype: 'float32' | 'float16'): { bundle: WebBundle; files: Files } {
  const tensors: WebBundle['tensors'] = [];
  const shards = NETWORKS.map((network, shard) => {
    const parts: Uint8Array[] = [];
    let offset = 0;
    for (const [path, { shape }] of Object.entries(specs)) {
      const bytes = encoded(values[path]!, dtype);
      parts.push(new Uint8Array(3), bytes);
      tensors.push({
        name: `${network}/${path}`,
        shape,
        dtype,
        shard,
        offset: offset + 3,
        bytes: bytes.length,
      });
      offset += 3 + bytes.length;
    }
    return new Uint8Array(Buffer.concat(parts));
  });
  const bundle: WebBundle = {
    format: 'gnr-web-bundle',
    version: 1,
    architecture,
    tensors,
    shards: shards.map((bytes, i) => ({ file: `s-${i}.bin`, bytes: bytes.length, sha256: sha256(bytes) })),
  };
  return { bundle, files: { 's-0.bin': shards[0]!, 's-1.bin': shards[1]! } };
}

const load = (bundle: unknown, files: Files) =>
  loadWebModel(filesOf(chosen({ ...files, 'bundle.json': json(bundle) })));

async function expectRejection(bundle: unknown, files: Files, found: RegExp): Promise<void> {
  const attempt = load(bundle, files);
  await expect(attempt).rejects.toThrow(InputError);
  await expect(attempt).rejects.toThrow(found);
}

describe('a bundle', () => {
  it.each(['float32', 'float16'] as const)(
    'in %s gives every weight, and tells its progress',
    async (dtype) => {
      const { bundle, files } = bundleOf(dtype);
      const progress: (number | undefined)[] = [];
      const model = await loadWebModel(filesOf(chosen({ ...files, 'bundle.json': json(bundle) })), {
        onProgress: (done, total) => progress.push(done, total),
      });
      expect(model.architecture).toEqual(architecture);
      const total = files['s-0.bin']!.length + files['s-1.bin']!.length;
      expect(progress.slice(-2)).toEqual([total, total]);
      expect(model.bytes).toBe(total);
      for (const network of NETWORKS)
        for (const [path, data] of Object.entries(values)) {
          const actual = model.values[network]![path]!;
          // Half precision has 11 significant bits.
          const limit = dtype === 'float32' ? 0 : 2 ** -11;
          expect(
            actual.every((value, i) => Math.abs(value - data[i]!) <= limit * Math.abs(data[i]!) + 1e-7),
          ).toBe(true);
        }
    },
  );

  it('is read from a folder at any depth', async () => {
    const { bundle, files } = bundleOf('float16');
    const deep = Object.entries({ ...files, 'bundle.json': json(bundle) }).map(
      ([name, bytes]): ChosenFile => ({ path: `/models/mine/${name}`, file: new Blob([bytes]) }),
    );
    expect((await loadWebModel(filesOf(deep))).architecture).toEqual(architecture);
  });

  it('is rejected if its manifest is invalid', async () => {
    const { bundle, files } = bundleOf('float16');
    await expectRejection({ ...bundle, version: 2 }, files, /a newer version of the format \(2, not 1\)/);
    await expectRejection({ ...bundle, version: 0 }, files, /version/);
    await expectRejection({ ...bundle, format: 'tfjs' }, files, /format/);
    await expectRejection([], files, /bundle\.json/);
    await expectRejection({ ...bundle, architecture: { ...architecture, size: 48 } }, files, /size/);
    await expectRejection(
      { ...bundle, architecture: { ...architecture, channels: {} } },
      files,
      /makes a network/,
    );
    const attempt = loadWebModel(filesOf(chosen({ 'bundle.json': new TextEncoder().encode('{') })));
    await expect(attempt).rejects.toThrow(/no JSON/);
  });

  it('is rejected if a file is missing, short, long or changed', async () => {
    const { bundle, files } = bundleOf('float16');
    const whole = files['s-1.bin']!;
    const changed = whole.slice();
    changed[100]! ^= 1;
    const { 's-0.bin': first } = files as { 's-0.bin': Uint8Array<ArrayBuffer> };
    await expectRejection(bundle, { 's-0.bin': first }, /s-1\.bin but found nothing/);
    await expectRejection(
      bundle,
      { ...files, 's-1.bin': whole.slice(0, -1) },
      /s-1\.bin but found \d+ bytes instead/,
    );
    const longer = new Uint8Array([...whole, 0]);
    await expectRejection(bundle, { ...files, 's-1.bin': longer }, /s-1\.bin but found more than/);
    await expectRejection(bundle, { ...files, 's-1.bin': changed }, /s-1\.bin but found other bytes/);
  });

  it.each(['../s-0.bin', '/etc/passwd', 'https://evil.example/x', 'a/b', '..', '.hidden', 'a\\b', ''])(
    'reads no file outside its folder: %s',
    async (file) => {
      const { bundle, files } = bundleOf('float16');
      const shards = bundle.shards.map((shard, i) => (i === 0 ? { ...shard, file } : shard));
      await expectRejection({ ...bundle, shards }, files, /shards/);
    },
  );

  it('is rejected if a tensor is misplaced or wrong', async () => {
    const { bundle, files } = bundleOf('float16');
    const [first, ...others] = bundle.tensors;
    const changed = (changes: object) => ({ ...bundle, tensors: [{ ...first!, ...changes }, ...others] });
    await expectRejection(changed({ shard: 7 }), files, /shard 7 of 2/);
    await expectRejection(changed({ offset: 1e9 }), files, /beyond the end/);
    await expectRejection(changed({ bytes: first!.bytes - 2 }), files, /with \d+ bytes/);
    await expectRejection(changed({ offset: -1 }), files, /offset/);
    await expectRejection(changed({ shape: [first!.bytes / 2] }), files, /of shape \[\d+\]/);
    await expectRejection({ ...bundle, tensors: others }, files, /but found none/);
    const huge = bundle.shards.map((shard) => ({ ...shard, bytes: 2 ** 40 }));
    await expectRejection({ ...bundle, shards: huge }, files, /bytes/);
    const [, second] = bundle.tensors;
    await expectRejection(
      { ...bundle, tensors: [...bundle.tensors, first] },
      files,
      /two tensors named G_A2B/,
    );
    const extra = { ...second!, name: 'G_A2B/extra' };
    await expectRejection({ ...bundle, tensors: [...bundle.tensors, extra] }, files, /in the same place/);
    const shards = [...bundle.shards, bundle.shards[0]];
    await expectRejection({ ...bundle, shards }, files, /two shards named s-0\.bin/);
  });

  it('may have further tensors, which are not read', async () => {
    const { bundle, files } = bundleOf('float16');
    const extra = { name: 'D_A/extra', shape: [4], dtype: 'float32', shard: 2, offset: 0, bytes: 16 };
    const shards = [...bundle.shards, { file: 'nowhere.bin', bytes: 16, sha256: '0'.repeat(64) }];
    const { bytes } = await load({ ...bundle, tensors: [...bundle.tensors, extra], shards }, files);
    expect(bytes).toBe(files['s-0.bin']!.length + files['s-1.bin']!.length);
  });

  it('is rejected without allocating a shard whose response declares a smaller size', async () => {
    const { bundle, files } = bundleOf('float16');
    const shards = bundle.shards.map((shard) => ({ ...shard, bytes: 2 ** 31 - 1 }));
    const before = process.memoryUsage().arrayBuffers;
    await expectRejection({ ...bundle, shards }, files, /s-0\.bin but found \d+ bytes instead of 2147483647/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 28);
  });
});

describe('an exported folder', () => {
  let files: Files;
  beforeAll(async () => {
    const names = ['config.json', 'model.safetensors'];
    const read = names.map(
      async (name) => [name, new Uint8Array(await readFile(join('models/sample', name)))] as const,
    );
    files = Object.fromEntries(await Promise.all(read));
  });

  it('loads as with readModel', async () => {
    const model = await loadWebModel(filesOf(chosen(files)));
    const expected = await readModel('models/sample');
    expect(model.architecture).toEqual(expected.architecture);
    for (const network of NETWORKS)
      for (const [path, data] of Object.entries(expected.values[network]!)) {
        const actual = model.values[network]![path]!;
        expect(actual.length).toBe(data.length);
        expect(actual.every((value, i) => value === data[i])).toBe(true);
      }
  });

  it('is rejected if it is damaged or incomplete', async () => {
    const weights = files['model.safetensors']!;
    const attempts: [Files, RegExp][] = [
      [{}, /but found none/],
      [{ 'config.json': files['config.json']! }, /model\.safetensors/],
      [{ ...files, 'config.json': json({}) }, /config\.json/],
      [{ ...files, 'model.safetensors': weights.slice(0, 5) }, /5 bytes/],
      [{ ...files, 'model.safetensors': weights.slice(0, -8) }, /truncated/],
      [{ ...files, 'model.safetensors': new Uint8Array(64).fill(255) }, /header of/],
      [{ ...files, 'config.json': json({ model: architecture }) }, /of shape/],
    ];
    for (const [given, found] of attempts) {
      const attempt = loadWebModel(filesOf(chosen(given)));
      await expect(attempt).rejects.toThrow(InputError);
      await expect(attempt).rejects.toThrow(found);
    }
  });
});

describe('the files of several folders', () => {
  const opened = async (paths: string[], name: string): Promise<string | undefined> => {
    const given = paths.map((path): ChosenFile => ({ path, file: new Blob([path]) }));
    return (await filesOf(given).open(name))?.text();
  };
  const checkpoint = (folder: string) => [`${folder}config.json`, `${folder}model.safetensors`];

  it('are narrowed to those of the newest checkpoint of a run, never mixed with others', async () => {
    const steps = [9, 100, 20].map((step) => `/run/checkpoints/${stepName(step)}/`);
    const paths = ['/run/config.json', ...steps.flatMap(checkpoint)];
    for (const name of ['config.json', 'model.safetensors'])
      expect(await opened(paths, name)).toBe(`/run/checkpoints/${stepName(100)}/${name}`);
  });

  it('are narrowed to those of the top-most folder with a whole model', async () => {
    const paths = ['m/config.json', ...checkpoint('m/a/b/'), 'm/z/bundle.json', 'm/s-0.bin', 'm/z/s-0.bin'];
    expect(await opened(paths, 'bundle.json')).toBe('m/z/bundle.json');
    expect(await opened(paths, 's-0.bin')).toBe('m/z/s-0.bin');
    expect(await opened(paths, 'config.json')).toBeUndefined();
    expect(await opened(['a/config.json', 'b/model.safetensors'], 'config.json')).toBe('a/config.json');
    expect(await opened(['a/config.json', 'b/model.safetensors'], 'model.safetensors')).toBeUndefined();
  });
});

describe('the address of a model', () => {
  const answers = (respond: (url: string) => Response) => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: URL) => {
      asked.push(url.href);
      return respond(url.href);
    });
    return asked;
  };

  it.each([
    ['https://a.example/m', 'https://a.example/m/bundle.json'],
    ['https://a.example/m/', 'https://a.example/m/bundle.json'],
    ['https://a.example/m/bundle.json?key=1', 'https://a.example/m/bundle.json?key=1'],
    ['https://a.example/m/model.safetensors', 'https://a.example/m/bundle.json'],
  ])('%s is asked for %s', async (url, expected) => {
    const asked = answers(() => new Response('', { status: 404 }));
    await expect(loadWebModel(filesAt(url))).rejects.toThrow(/but found none/);
    expect(asked[0]).toBe(expected);
    vi.unstubAllGlobals();
  });

  it('has no model if it answers with a page, and other failures are reported', async () => {
    const html = { headers: { 'content-type': 'text/html; charset=utf-8' } };
    answers(() => new Response('<!doctype html>', html));
    await expect(loadWebModel(filesAt('https://a.example/m/'))).rejects.toThrow(/but found none/);
    answers(() => new Response('', { status: 500 }));
    await expect(loadWebModel(filesAt('https://a.example/m/'))).rejects.toThrow(/status 500/);
    answers(() => {
      throw new TypeError('Failed to fetch');
    });
    await expect(loadWebModel(filesAt('https://a.example/m/'))).rejects.toThrow(/no answer .*CORS/);
    vi.unstubAllGlobals();
  });
});
