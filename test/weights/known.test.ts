import { describe, expect, it } from 'vitest';
import { officialFile } from '../../src/weights/file-hash.js';
import { KNOWN_WEIGHTS } from '../../src/weights/known.js';
import { WEIGHT_NAMES } from '../../src/weights/names.js';
import { readJson } from '../support/reference.js';

describe.each(WEIGHT_NAMES)('%s', (name) => {
  const { files, tensors, downloadBytes } = KNOWN_WEIGHTS[name];

  it('can be fetched, and each of its files is known by its hash', () => {
    expect(files[0]!.url).toMatch(/^https:\/\//);
    for (const { name: file, url, identity } of files) {
      if (url !== null) expect(url.endsWith(`/${file}`)).toBe(true);
      if ('gitBlob' in identity) expect(identity.gitBlob).toMatch(/^[0-9a-f]{40}$/);
      else {
        expect(identity.sha256).toMatch(/^[0-9a-f]{64}$/);
        // The makers' names hold the first digits.
        expect(file).toContain(`-${identity.sha256.slice(0, 8)}.pth`);
      }
    }
  });

  it('keeps no more numbers than are downloaded', () => {
    const numbers = [...tensors.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
    expect(4 * numbers).toBeLessThan(downloadBytes);
    expect(4 * numbers).toBeGreaterThan(0.03 * downloadBytes);
  });
});

it('has the tensors of the networks that the reference printed its figures with', () => {
  const keys = readJson<Record<string, string[]>>('metrics.json');
  const kept = (key: string, names: (name: string) => string = (name) => name) =>
    keys[key]!.filter((name) => !/^fc\.|num_batches_tracked$/.test(name)).map(names);
  expect([...KNOWN_WEIGHTS.inception.tensors.keys()].sort()).toEqual(kept('inception_keys').sort());
  for (const [name, key] of [
    ['vgg16', 'lpips_vgg_keys'],
    ['alexnet', 'lpips_alex_keys'],
  ] as const) {
    const inTorchvision = kept(key, (path) => path.replace(/^slice\d/, 'features'));
    expect([...KNOWN_WEIGHTS[name].tensors.keys()].sort()).toEqual(inTorchvision.sort());
  }
});

it("has the shapes of torchvision's Inception", () => {
  const { tensors } = KNOWN_WEIGHTS.inception;
  expect(tensors.size).toBe(94 * 5);
  for (const [name, shape] of [
    ['Conv2d_1a_3x3.conv.weight', [32, 3, 3, 3]],
    ['Conv2d_1a_3x3.bn.running_var', [32]],
    ['Mixed_5b.branch5x5_2.conv.weight', [64, 48, 5, 5]],
    ['Mixed_6c.branch7x7_2.conv.weight', [160, 160, 1, 7]],
    ['Mixed_6c.branch7x7_3.conv.weight', [192, 160, 7, 1]],
    ['Mixed_6c.branch7x7_3.bn.weight', [192]],
    ['Mixed_7c.branch3x3_2b.conv.weight', [384, 384, 3, 1]],
    ['Mixed_7c.branch_pool.conv.weight', [192, 2048, 1, 1]],
  ] as const)
    expect(tensors.get(name), name).toEqual(shape);
  expect(KNOWN_WEIGHTS['inception-imagenet'].tensors).toEqual(tensors);
});

it('takes no file for the official one that shares eight digits of its hash', () => {
  for (const prefix of ['397923af', '7be5be79', '4df8aa71', '6726825d', '0cc3c7bd', '1a9a5a14']) {
    const sha256 = prefix.padEnd(64, '0');
    expect([prefix, officialFile({ sha256, gitBlob: null })]).toEqual([prefix, undefined]);
  }
  const { sha256 } = KNOWN_WEIGHTS.vgg16.files[0]!.identity as { sha256: string };
  expect(officialFile({ sha256, gitBlob: null })).toMatchObject({ name: 'vgg16' });
});
