// Receipts of evaluations.
import type { Figure, MethodResult, Receipt } from '../../src/eval/receipt.js';
import { receiptSchema } from '../../src/eval/receipt.js';

/** A figure with the properties of a test, by default an FID of enough images. */
export function figure(properties: Partial<Figure> = {}): Figure {
  return {
    metric: 'fid',
    key: 'fid',
    title: 'FID',
    better: 'lower',
    value: 45.234,
    deviation: null,
    over: null,
    interval: null,
    values: [properties.value ?? 45.234],
    n: { outputs: 50_000, real: 50_000 },
    how: 'how FID is made',
    ...properties,
  };
}

export function method(
  name: string,
  figures: Figure[],
  properties: Partial<Omit<MethodResult, 'figures'>> = {},
): MethodResult {
  return { name, kind: 'folder', left: [], figures, ...properties };
}

const hash = 'a'.repeat(64);

/** A receipt of the given methods that passes the schema. */
export function receipt(methods: MethodResult[], properties: Record<string, unknown> = {}): Receipt {
  return receiptSchema.parse({
    format: 'gnr-receipt',
    version: 1,
    created: '2026-01-02T13:45:59Z',
    protocol: { name: 'quick', metrics: { fid: {} } },
    sources: { data: 'data', inputs: null, real: 'data/testB', fakes: [], baselines: [] },
    model: { path: 'runs/first/checkpoints/step-000100', sha256: hash, size: 64, step: 100 },
    images: [
      { role: 'inputs', folder: 'data/testA', count: 100, sha256: hash },
      { role: 'real', folder: 'data/testB', count: 100, sha256: hash },
    ],
    weights: [{ name: 'inception', sha256: hash, verified: true }],
    software: { node: '20.19.0' },
    methods,
    ...properties,
  });
}

/** Text that a careless page would run as a script. */
export const EVIL = `"><script src='https://evil.example/x.js'></script>&amp;<img onerror=x>`;
