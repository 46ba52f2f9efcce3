import { beforeAll, expect, test } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import { buildNetworks } from '../../src/gan/networks.js';
import { ranksOf } from '../../src/ops/ranks.js';
import { recordGraph } from '../../src/runtime/capture/record.js';
import { loadEngine } from '../../src/runtime/node.js';
import { trainingPrograms } from '../../src/train/training-programs.js';
import { tinyConfig } from '../support/config.js';

beforeAll(async () => void (await loadEngine()));

/** The graph of the programs of a run with so many ranks. */
function graphOf(ranks: number, distributed: PartialConfig['distributed'] = {}) {
  const config = tinyConfig({ distributed });
  const networks = buildNetworks(config, ranksOf(ranks));
  const { programs, variables } = trainingPrograms({ config, networks });
  return recordGraph(programs, variables, config.runtime);
}

test('the graph of one rank has the same bytes whatever the config says about several, and no all-reduce', () => {
  const { graph, endpoints } = graphOf(1);
  const ops = graph.nodesFor(Object.values(endpoints.plain.outputs)).map(({ op }) => op);
  expect(ops).not.toContain('GnrAllReduce');
  const others = graphOf(1, { globalStatistics: true, bucketMegabytes: 0.001 });
  expect(Buffer.compare(others.graph.serialize(), graph.serialize())).toBe(0);
});

test.for([false, true])(
  'all-reduces of several ranks are numbered in each program, and none waits for another (global statistics: %s)',
  (globalStatistics) => {
    const { graph, endpoints } = graphOf(2, { globalStatistics, bucketMegabytes: 0.01 });
    for (const program of ['plain', 'withR1'] as const) {
      const calls = graph
        .nodesFor(Object.values(endpoints[program].outputs))
        .filter(({ op }) => op === 'GnrAllReduce');
      expect(calls.length).toBeGreaterThan(1);
      const places = calls.map(({ attributes }) => attributes.place);
      expect(places).toEqual(calls.map((_, i) => ({ kind: 'int', value: i })));
      expect(calls.flatMap(({ inputs }) => inputs.filter((input) => input.startsWith('^')))).toEqual([]);
    }
  },
);
