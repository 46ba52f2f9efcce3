import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRIC_NAMES } from '../../src/eval/metrics/chosen.js';
import { loadProtocol, protocolNames } from '../../src/eval/protocols.js';
import { rejectionMessage } from '../support/rejection.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-protocols-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(content: unknown): Promise<string> {
  const path = join(folder, 'own.json');
  await writeFile(path, JSON.stringify(content));
  return path;
}

describe('loadProtocol', () => {
  it('loads every protocol of the package by its name', () => {
    expect(protocolNames()).toEqual([
      'gnr',
      'quick',
      'sample',
      'stargan-v2',
      'stargan-v2-reference',
      'u-gat-it',
    ]);
    for (const name of protocolNames()) {
      const protocol = loadProtocol(name);
      expect(protocol.name).toBe(name);
      expect(Object.keys(protocol.metrics).length).toBeGreaterThan(0);
    }
  });

  it('fills in all defaults', async () => {
    const protocol = loadProtocol(await file({ name: 'own', metrics: { kid: {} } }));
    expect(protocol.metrics.kid).toEqual({
      features: 'inception',
      estimator: 'subsets',
      subsets: 100,
      subsetSize: 1000,
    });
    expect(protocol.styles).toMatchObject({ perInput: 10, source: 'random', truncation: 1 });
    expect(protocol.seeds).toEqual([0]);
  });

  it('applies the changes of the command line', () => {
    const protocol = loadProtocol('quick', {
      metrics: ['kid', 'dfid'],
      styles: 4,
      seeds: [7, 8],
      direction: 'B2A',
    });
    expect(Object.keys(protocol.metrics).sort()).toEqual(['dfid', 'kid']);
    // What the protocol says of a metric stays; what it does not name has the schema's defaults.
    expect(protocol.metrics.kid?.subsets).toBe(20);
    expect(protocol.metrics.dfid).toEqual({ features: 'inception', inputs: 10, styles: 100 });
    expect(protocol.styles.perInput).toBe(4);
    expect(protocol.seeds).toEqual([7, 8]);
    expect(protocol.direction).toBe('B2A');
  });

  it('has a metric of the registry for every key', () => {
    expect([...METRIC_NAMES].sort()).toEqual(
      Object.keys(loadProtocol('quick', { metrics: METRIC_NAMES }).metrics).sort(),
    );
  });

  it.each([
    ['an unknown name', () => loadProtocol('gan'), /quick.*found gan|quick.*gan/],
    ['a missing file', () => loadProtocol('nothing.json'), /nothing\.json/],
    ['an unknown metric', () => loadProtocol('quick', { metrics: ['fud'] }), /fud/],
  ])('rejects %s', async (_, load, message) => {
    expect(await rejectionMessage((async () => load())())).toMatch(message);
  });

  it.each([
    ['outputs of each input', { styles: { perInput: 2 ** 53 - 1 } }, 'perInput'],
    ['subsets', { metrics: { kid: { subsets: 1e9 } } }, 'subsets'],
    ['styles of one input', { metrics: { dfid: { styles: 1e9 } } }, 'styles'],
    ['views', { metrics: { styleConsistency: { views: 1e9 } } }, 'views'],
    ['seeds', { seeds: Array.from({ length: 1001 }, (_, seed) => seed) }, 'seeds'],
  ])('rejects more %s than memory may hold, before anything is drawn', async (_, change, key) => {
    const path = await file({ name: 'own', metrics: { fid: {} }, ...change });
    const message = await rejectionMessage((async () => loadProtocol(path))());
    expect(message).toMatch(/^Expected a protocol in /);
    expect(message).toContain(key);
  });

  it('rejects an unknown key by its name', async () => {
    const path = await file({ name: 'own', metrics: { fid: { feature: 'inception' } } });
    expect(await rejectionMessage((async () => loadProtocol(path))())).toMatch(/feature/);
  });
});
