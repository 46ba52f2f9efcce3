import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import type { Packages } from '../../src/setup/addon.js';
import type { SetupEvent } from '../../src/setup/events.js';
import { NoGpuError } from '../../src/setup/gpu-problem.js';
import { bindingDirectory } from '../../src/setup/installed.js';
import { type SetupOptions, setUpEngine } from '../../src/setup/setup.js';
import {
  CUDA_FILES,
  deliver,
  type FakeMachine,
  fakeCompiler,
  fakeMachine,
  fakePackages,
  fakePython,
  fakeSmi,
  TENSORFLOW_FILES,
  wheelsOf,
  writeWheel,
} from './fakes.js';

const L4 = '0, GPU-1, NVIDIA L4, 8.9, 23034, 5, 560.35.03, [N/A]';
const GB203 = '0, GPU-1, NVIDIA GeForce RTX 5090, 12.0, 32607, 5, 570.86, [N/A]';
const NO_DRIVER = `dlerror: libcuda.so.1: cannot open shared object file`;

let machine: FakeMachine;
let packages: Packages;
let events: SetupEvent[];
let delivered: string;

function setUp(more: SetupOptions = {}) {
  const platform = { system: 'linux', architecture: process.arch, glibc: '2.36' };
  const onEvent = (event: SetupEvent) => void events.push(event);
  return setUpEngine({
    ...{
      env: machine.env,
      packages,
      platform,
      root: machine.root,
      onEvent,
      freeBytes: 1e12,
      wheels: wheelsOf(delivered),
    },
    ...more,
  });
}

const eventTexts = (kind: SetupEvent['kind']) =>
  events.flatMap((e) => (e.kind === kind && 'text' in e ? [e.text] : []));
const installed = () => fs.readFile(path.join(bindingDirectory(packages), 'tfjs_binding.node'), 'utf8');
const downloads = async () => (await machine.calls()).filter((call) => call.startsWith('download')).length;

beforeEach(async () => {
  machine = await fakeMachine();
  packages = await fakePackages(machine.root);
  events = [];
  delivered = path.join(machine.root, 'any.whl');
  writeWheel(delivered, { ...TENSORFLOW_FILES, ...CUDA_FILES });
  await machine.program('python3', fakePython(deliver(delivered)));
  await machine.program('c++', fakeCompiler('good'));
});

afterEach(() => machine.dispose());

describe.skipIf(process.arch !== 'x64')('the GPU build (x64 only)', () => {
  test('is installed if TensorFlow finds a GPU', async () => {
    await machine.program('nvidia-smi', fakeSmi(L4));
    await machine.program('c++', fakeCompiler('good gpu'));
    const stamp = await setUp({ device: 'auto' });
    expect(stamp.device).toBe('gpu');
    expect(Object.keys(stamp.files)).toContain(
      path.join(path.dirname(stamp.libraries), 'nvidia/cusolver/lib/libcusolver.so.11'),
    );
    expect(eventTexts('warning')).toEqual([]);
    // Asked for by name, it is checked again.
    expect(await setUp({ device: 'gpu' })).toMatchObject({ device: 'gpu' });
    await machine.program('c++', 'exit 1');
    expect(await setUp({ device: 'auto' })).toMatchObject({ alreadyDone: true });
  });

  test('is installed again if one of its libraries is gone', async () => {
    await machine.program('nvidia-smi', fakeSmi(L4));
    await machine.program('c++', fakeCompiler('good gpu'));
    const { libraries } = await setUp();
    const before = await downloads();
    await fs.rm(path.join(path.dirname(libraries), 'nvidia/cusolver'), { recursive: true });
    expect(await setUp()).toMatchObject({ alreadyDone: false });
    expect(await downloads()).toBe(2 * before);
  });

  test('is rejected without a driver before any download, and the CPU build stays', async () => {
    await setUp({ device: 'cpu' });
    const before = await downloads();
    const failure = setUp({ device: 'gpu' });
    await expect(failure).rejects.toThrow(InputError);
    await expect(failure).rejects.toThrow(
      /^Expected an NVIDIA GPU that TensorFlow can use but found no NVIDIA driver; install NVIDIA's driver .*--device cpu/,
    );
    expect(await downloads()).toBe(before);
    expect(await installed()).toBe('good\n');
    expect(await setUp()).toMatchObject({ device: 'cpu', alreadyDone: true });
  });

  test.each([
    ['NVIDIA H100 PCIe, 9.0', '550.127.08', 'install driver 555.42 or newer'],
    ['NVIDIA L4, 8.9', '470.82.01', 'install driver 525.60.13 or newer'],
    ['Tesla M60, 5.2', '560.35.03', 'use a newer GPU'],
  ])('is not downloaded for a %s with driver %s', async (card, driver, remedy) => {
    await machine.program('nvidia-smi', fakeSmi(`0, GPU-1, ${card}, 8192, 0, ${driver}, [N/A]`));
    await expect(setUp({ device: 'gpu' })).rejects.toThrow(remedy);
    expect(await downloads()).toBe(0);
    // Left to choose, it takes the CPU build and says why.
    expect(await setUp({ device: 'auto' })).toMatchObject({ device: 'cpu' });
    expect(eventTexts('warning').join()).toContain(remedy);
  });

  test("is rejected with TensorFlow's own message if the driver shows a GPU that TensorFlow does not find", async () => {
    await setUp({ device: 'cpu' });
    await machine.program('nvidia-smi', fakeSmi(L4));
    const failure = setUp({ device: 'gpu' });
    await expect(failure).rejects.toThrow(NoGpuError);
    await expect(failure).rejects.toThrow('a driver without its library libcuda.so.1');
    expect(eventTexts('warning').join()).toContain(NO_DRIVER);
    expect(await installed()).toBe('good\n');
  });

  test('is replaced by the CPU build with auto if TensorFlow finds no GPU, and the reason is reported', async () => {
    await machine.program('nvidia-smi', fakeSmi(L4));
    expect(await setUp({ device: 'auto' })).toMatchObject({ device: 'cpu' });
    expect(eventTexts('warning').join('\n')).toMatch(
      /the GPU cannot be used \(a driver without its library libcuda.so.1\), so the CPU build is installed; to use it, install/,
    );
    expect(eventTexts('warning').join()).not.toContain('GNR_GPU_OPTIONAL');
  });

  test('is rejected with the name of a kernel that fails on the GPU', async () => {
    await machine.program('nvidia-smi', fakeSmi(L4));
    await machine.program('c++', fakeCompiler('good gpu wrong:mul'));
    const failure = setUp({ device: 'gpu' });
    await expect(failure).rejects.toThrow(NoGpuError);
    await expect(failure).rejects.toThrow('The engine fails at an elementwise product');
    // Which is another matter than no GPU.
    const env = { ...machine.env, GNR_GPU_OPTIONAL: '1' };
    await expect(setUp({ device: 'gpu', env })).rejects.toThrow(NoGpuError);
  });

  test('is installed without a GPU if GNR_GPU_OPTIONAL=1', async () => {
    const env = { ...machine.env, GNR_GPU_OPTIONAL: '1' };
    expect(await setUp({ device: 'gpu', env })).toMatchObject({ device: 'gpu' });
    expect(eventTexts('warning').join()).toContain('no NVIDIA driver. GNR_GPU_OPTIONAL=1 allows that');
    expect(await setUp({ device: 'auto' })).toMatchObject({ device: 'gpu', alreadyDone: true });
  });

  test('is tried, with a notice, in a container that may only compute', async () => {
    for (const file of ['.dockerenv', 'dev/nvidiactl']) {
      await fs.mkdir(path.dirname(path.join(machine.root, file)), { recursive: true });
      await fs.writeFile(path.join(machine.root, file), '');
    }
    await machine.program('c++', fakeCompiler('good gpu'));
    expect(await setUp({ device: 'gpu' })).toMatchObject({ device: 'gpu' });
    expect(eventTexts('step').join()).toContain('there is no nvidia-smi here');
  });

  test('warns about a card that is newer than its kernels, and announces the first start', async () => {
    await machine.program('nvidia-smi', fakeSmi(GB203));
    await machine.program('c++', fakeCompiler('good gpu'));
    await setUp({ device: 'gpu' });
    expect(eventTexts('warning').join()).toContain(
      'NVIDIA GeForce RTX 5090 (compute capability 12.0) is newer',
    );
    expect(eventTexts('step').join()).toMatch(
      /the driver compiles TensorFlow's kernels .* this takes minutes once/,
    );
  });
});
