import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { encodePng } from '../../../src/data/decode.js';
import type { evaluate } from '../../../src/eval/evaluate.js';
import { defineMetric } from '../../../src/eval/metrics/metric.js';
import { loadEngine } from '../../../src/runtime/node.js';
import { rejectionMessage } from '../../support/rejection.js';

const SIZE = 8;

/** Mean of the 8-bit values of the outputs, times a factor. */
const brightness = defineMetric({
  summary: 'how bright the outputs are',
  family: 'similarity',
  options: z.strictObject({ factor: z.number().default(2) }),
  headings: ({ factor }) => ({ brightness: { title: `Brightness x ${factor}`, better: 'neither' } }),
  problem: ({ method }) => (method.name === 'identity' ? 'the inputs are known' : undefined),
  start({ factor }) {
    return {
      async measure(groups) {
        const values: number[] = [];
        for (const { outputs } of groups)
          for (const output of outputs) values.push(...(await output.read()).data);
        return values;
      },
      finish(parts: readonly number[][]) {
        const values = parts.flat();
        return [
          {
            key: 'brightness',
            value: (factor * values.reduce((sum, value) => sum + value, 0)) / values.length,
            n: { values: values.length },
            how: 'mean of the values',
          },
        ];
      },
    };
  },
});

vi.mock(import('../../../src/eval/metrics/registry.js'), async (original) => {
  const { metrics } = await original();
  return { metrics: { ...metrics, brightness } };
});

let folder = '';
let run: typeof evaluate;
beforeAll(async () => {
  await loadEngine();
  // Imports the registry, which needs the metric above.
  run = (await import('../../../src/eval/evaluate.js')).evaluate;
  folder = await mkdtemp(join(tmpdir(), 'gnr-added-metric-'));
  for (const [name, level] of [
    ['inputs', 10],
    ['real', 20],
    ['fake', 30],
  ] as const) {
    await mkdir(join(folder, name));
    const image = { data: new Uint8Array(SIZE * SIZE * 3).fill(level), width: SIZE, height: SIZE };
    for (const file of ['1.png', '2.png']) await encodePng(image, join(folder, name, file));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const evaluated = async (metrics: object, out?: string) => {
  const protocol = join(folder, 'own.json');
  await writeFile(protocol, JSON.stringify({ name: 'own', metrics }));
  return run({
    inputs: join(folder, 'inputs'),
    real: join(folder, 'real'),
    fakes: [{ name: 'fake', folder: join(folder, 'fake') }],
    baselines: ['identity'],
    protocol,
    ...(out && { out }),
  });
};

it('a metric that is added to the registry is measured and reported as its own file says', async () => {
  const out = join(folder, 'out');
  const { receipt } = await evaluated({ brightness: {} }, out);
  expect(receipt.protocol.metrics).toEqual({ brightness: { factor: 2 } });
  const [fake, identity] = receipt.methods;
  expect(fake!.figures).toMatchObject([
    { metric: 'brightness', key: 'brightness', title: 'Brightness x 2', better: 'neither', value: 60 },
  ]);
  expect(identity).toMatchObject({
    figures: [],
    left: [{ metric: 'brightness', why: 'the inputs are known' }],
  });
  const report = await readFile(join(out, 'report.html'), 'utf8');
  expect(report).toContain('Similarity to real images');
  expect(report).toContain('Brightness x 2');
  expect(report).not.toContain('Other figures');
});

it("wrong options of an added metric are rejected by the metric's own schema", async () => {
  expect(await rejectionMessage(evaluated({ brightness: { factor: 'two' } }))).toMatch(/brightness\.factor/);
});
