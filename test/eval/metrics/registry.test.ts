import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import type { FeatureCache } from '../../../src/eval/features/feature-cache.js';
import type { LpipsEvaluator } from '../../../src/eval/features/lpips-evaluator.js';
import { evaluateMethods } from '../../../src/eval/measure-methods.js';
import { type MeasuredImage, memoryImage } from '../../../src/eval/measured-image.js';
import type { Method } from '../../../src/eval/methods/method.js';
import { prepareResources } from '../../../src/eval/metric-resources.js';
import { chosenMetrics, METRIC_NAMES } from '../../../src/eval/metrics/chosen.js';
import type { Metric, MetricResources } from '../../../src/eval/metrics/metric.js';
import { metrics } from '../../../src/eval/metrics/registry.js';
import { protocolSchema } from '../../../src/eval/protocol.js';

const all: [string, Metric][] = Object.entries(metrics);

/** The metrics' table of the documentation, as the registry says it. */
function documentedTable(): string {
  const rows = all.map(([name, { summary }]) => [`\`${name}\``, summary] as const);
  const head = ['metric', 'what it is, and what it is held to'] as const;
  const widths = [0, 1].map((i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

describe('the registry of metrics', () => {
  it('is the table of docs/evaluation.md (vitest run test/eval/metrics -u writes it)', async () => {
    const page = await readFile('docs/evaluation.md', 'utf8');
    const table = /(?<=\n## Metrics\n\n)(\|.*\n)+/;
    expect(page).toMatch(table);
    const written = page.replace(table, () => `${documentedTable()}\n`);
    await expect(written).toMatchFileSnapshot('../../../docs/evaluation.md');
  });

  it('gives every figure of all metrics a key of its own', () => {
    const keys = all.flatMap(([, metric]) => Object.keys(metric.headings(metric.options.parse({}))));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('needs no option of any metric in a protocol', () => {
    const named = Object.fromEntries(METRIC_NAMES.map((name) => [name, {}]));
    const protocol = protocolSchema.parse({ name: 'all', metrics: named });
    expect(Object.keys(protocol.metrics)).toEqual(METRIC_NAMES);
    expect(chosenMetrics(protocol.metrics).map(({ name }) => name)).toEqual(METRIC_NAMES);
  });
});

describe('chosenMetrics', () => {
  it('says which networks the options of a protocol need', () => {
    const { metrics: chosen } = protocolSchema.parse({
      name: 'own',
      metrics: { lpipsDiversity: { net: 'vgg' }, kid: { features: 'inception-pillow' }, cycleError: {} },
    });
    expect(chosenMetrics(chosen).map(({ name, requires }) => [name, requires])).toEqual([
      ['kid', { features: 'inception-pillow' }],
      ['lpipsDiversity', { lpips: 'vgg' }],
      ['cycleError', {}],
    ]);
  });
});

/** Resources that record what is opened; the networks in `missing` have no weights. */
function recorded(missing: readonly string[] = []): { calls: string[]; resources: MetricResources } {
  const calls: string[] = [];
  const open = async (name: string) => {
    calls.push(name);
    if (missing.includes(name))
      throw new InputError({ expected: `weights of ${name}`, found: 'none', remedy: 'fetch them' });
  };
  const features = {
    extractor: open,
    featuresOf: async (kind: string, images: readonly MeasuredImage[]) =>
      open(`${images.length} images of ${kind}`),
  } as unknown as FeatureCache;
  const lpips = async (net: string) => open(net) as unknown as LpipsEvaluator;
  return {
    calls,
    resources: { features, lpips, landmarks: async () => ({ found: [], network: '' }), factors: undefined },
  };
}

const image = memoryImage('image', { data: new Uint8Array(12), width: 2, height: 2 });

describe('prepareResources', () => {
  it('loads each network once, all of them before the first image', async () => {
    const { calls, resources } = recorded();
    await prepareResources(
      resources,
      [{ features: 'inception' }, { lpips: 'alex' }, {}, { features: 'inception', lpips: 'alex' }],
      [image],
    );
    expect(calls).toEqual(['inception', 'alex', '1 images of inception']);
  });

  it('reports the missing weights of any network before the first image', async () => {
    const { calls, resources } = recorded(['alex']);
    const prepared = prepareResources(resources, [{ features: 'inception' }, { lpips: 'alex' }], [image]);
    await expect(prepared).rejects.toThrow('weights of alex');
    expect(calls).toEqual(['inception', 'alex']);
  });
});

describe('evaluateMethods', () => {
  const method: Method = {
    name: 'folder',
    kind: 'folder',
    inputs: 1,
    outputsPerInput: 1,
    outputs: 1,
    isRandom: false,
    firstSize: () => image.read(),
    async *groups() {
      yield [{ input: 0, outputs: [image] }];
    },
  };

  it('loads no network for metrics that can be measured on no method', async () => {
    const { calls, resources } = recorded(['alex', 'inception']);
    const { metrics: chosen } = protocolSchema.parse({
      name: 'own',
      metrics: { fid: {}, lpipsDiversity: {} },
    });
    const protocol = protocolSchema.parse({ name: 'own', metrics: chosen });
    const [evaluation] = await evaluateMethods({ protocol, methods: [method], real: [image], resources });
    expect(evaluation!.result.figures).toEqual([]);
    expect(evaluation!.result.left.map(({ metric }) => metric)).toEqual(['fid', 'lpipsDiversity']);
    expect(calls).toEqual([]);
  });
});
