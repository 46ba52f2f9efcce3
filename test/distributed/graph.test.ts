import { beforeAll, expect, test } from 'vitest';
import type { PartialConfig } from '../../src/config/schema.js';
import { buildNetworks } from '../../src/gan/networks.js';
import { ranksOf } from '../../src/ops/ranks.js';
import { type GraphNode, nodeOf } from '../../src/runtime/capture/graph.js';
import { recordGraph } from '../../src/runtime/capture/record.js';
import { stagesOf } from '../../src/runtime/capture/transfers.js';
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

/** The names of all nodes that each all-reduce needs, also by control inputs. */
function needsByName(nodes: readonly GraphNode[]): Map<string, Set<string>> {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const needsOf = (name: string): Set<string> => {
    const needed = new Set<string>();
    for (const open = [name]; open.length > 0; )
      for (const input of byName.get(open.pop()!)!.inputs.map(nodeOf)) {
        if (needed.has(input)) continue;
        needed.add(input);
        open.push(input);
      }
    return needed;
  };
  const calls = nodes.filter(({ op }) => op === 'GnrAllReduce');
  return new Map(calls.map(({ name }) => [name, needsOf(name)]));
}

test('the graph of one rank has the same bytes whatever the config says about several, and no all-reduce', () => {
  const { graph, endpoints } = graphOf(1);
  const ops = graph.nodesFor(Object.values(endpoints.plain.outputs)).map(({ op }) => op);
  expect(ops).not.toContain('GnrAllReduce');
  const others = graphOf(1, { globalStatistics: true, bucketMegabytes: 0.001 });
  expect(Buffer.compare(others.graph.serialize(), graph.serialize())).toBe(0);
});

test.for([false, true])(
  'all-reduces of several ranks are numbered in each program, and what one sends is there before that of a later one (global statistics: %s)',
  (globalStatistics) => {
    const { graph, endpoints } = graphOf(2, { globalStatistics, bucketMegabytes: 0.01 });
    for (const program of ['plain', 'withR1'] as const) {
      const nodes = graph.nodesFor(Object.values(endpoints[program].outputs));
      const calls = nodes.filter(({ op }) => op === 'GnrAllReduce');
      expect(calls.length).toBeGreaterThan(1);
      const places = calls.map(({ attributes }) => attributes.place);
      expect(places).toEqual(calls.map((_, i) => ({ kind: 'int', value: i })));
      expect(calls.flatMap(({ inputs }) => inputs.filter((input) => input.startsWith('^')))).toEqual([]);
      const stages = stagesOf(nodes);
      const needs = needsByName(nodes);
      for (const [i, call] of calls.entries()) {
        const next = calls.slice(i + 1).find(({ name }) => stages.get(name)! > stages.get(call.name)!);
        if (next === undefined) break;
        const before = needs.get(next.name)!;
        expect(call.inputs.filter((input) => !before.has(nodeOf(input)))).toEqual([]);
      }
    }
  },
);
