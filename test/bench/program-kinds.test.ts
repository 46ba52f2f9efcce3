import { beforeAll, describe, expect, it } from 'vitest';
import { type ProgramKind, programKinds } from '../../src/bench/program-kinds.js';
import { checkKernels } from '../../src/runtime/capture/kernel-check.js';
import { type DeviceType, KernelRegistry } from '../../src/runtime/capture/kernel-registry.js';
import { opArguments } from '../../src/runtime/capture/op-arguments.js';
import { ALL_REDUCE } from '../../src/runtime/native-kernels.js';
import { loadEngine } from '../../src/runtime/node.js';
import { registeredKernels } from '../../src/runtime/session.js';
import { MIN_LAYERS, tinyConfig } from '../support/config.js';

let registry: KernelRegistry;
let installed: DeviceType;

beforeAll(async () => {
  await loadEngine();
  registry = new KernelRegistry(registeredKernels());
  // The CUDA build has kernels for a GPU where there is none, too.
  installed = registry.kernels('Conv2D').some(({ device }) => device === 'GPU') ? 'GPU' : 'CPU';
});

/** Operations of every kind of program that the device has no kernel for, with the programs. */
function missingKernels(kinds: Iterable<ProgramKind>, device: DeviceType) {
  const missing: string[] = [];
  const copies: string[] = [];
  let nodes = 0;
  for (const { name, record } of kinds) {
    const { graph, endpoints } = record();
    for (const [program, { outputs }] of Object.entries(endpoints)) {
      const check = checkKernels(graph.nodesFor(Object.values(outputs)), registry, device);
      nodes += check.nodes;
      missing.push(...check.missing.map(({ op, types }) => `${op} (${types}) of ${program} of ${name}`));
      copies.push(...check.copies.map(({ from, to }) => `${from} to ${to} of ${program} of ${name}`));
    }
  }
  return { missing, copies, nodes };
}

describe('the programs of a small config, of all its variants, and of the networks of evaluation', () => {
  const kinds = () => programKinds({ tiny: tinyConfig({ model: MIN_LAYERS }) });

  it('are listed once each, in all kinds', () => {
    const names = [...kinds()].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        'tiny, float32',
        'tiny, bfloat16, everything',
        'tiny, bfloat16, translation',
        'tiny, float32, LPIPS',
        'Inception (fid)',
        'LPIPS (vgg), distances, 32 px',
      ]),
    );
  });

  it("have a kernel for every node on the installed library's device, and on the CPU", () => {
    for (const device of new Set<DeviceType>([installed, 'CPU'])) {
      const { missing, nodes } = missingKernels(kinds(), device);
      expect(missing).toEqual([]);
      expect(nodes).toBeGreaterThan(50_000);
    }
  });

  it('copy only inputs and results between host and GPU', (context) => {
    if (installed !== 'GPU')
      context.skip('the installed library is the CPU build, without kernels for a GPU');
    expect(missingKernels(kinds(), 'GPU').copies).toEqual([]);
  });

  it('run on kernels whose host arguments are arguments of their operations', () => {
    for (const [op, { inputs, outputs }] of Object.entries(opArguments)) {
      // Only a world of several ranks loads it.
      if (op === ALL_REDUCE) continue;
      const names = [...inputs, ...outputs].map((name) => name.replace('*', ''));
      const kernels = registry.kernels(op);
      expect(kernels.length, op).toBeGreaterThan(0);
      for (const { hostMemory } of kernels) expect(names).toEqual(expect.arrayContaining([...hostMemory]));
    }
  });
});
