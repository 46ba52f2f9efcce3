import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RunError } from '../../src/base/errors.js';
import {
  type AddonCheckOptions,
  ComputeError,
  checkAddon,
  gpuLines,
  gpuLog,
} from '../../src/setup/check-addon.js';
import { bindingDirectory, findPackages, installedStamp } from '../../src/setup/installed.js';
import { type FakeMachine, fakeMachine, fakePackages } from '../support/fake-machine.js';

let machine: FakeMachine;

/** The check of a fake addon with these words. */
async function check(words: string): Promise<AddonCheckOptions> {
  const directory = path.join(machine.root, 'addon');
  await fs.mkdir(directory, { recursive: true });
  await fs.writeFile(path.join(directory, 'tfjs_binding.node'), words);
  const packages = await fakePackages(machine.root);
  return {
    directory,
    device: 'cpu',
    libraries: path.join(machine.root, 'tensorflow'),
    packages,
    env: machine.env,
  };
}

beforeEach(async () => {
  machine = await fakeMachine();
});

afterEach(() => machine.dispose());

describe('checkAddon', () => {
  test('accepts the engine that is installed here', async () => {
    const packages = await findPackages();
    const { device, libraries } = (await installedStamp(packages))!;
    const directory = bindingDirectory(packages);
    const found = await checkAddon({ directory, device, libraries, packages, env: process.env });
    expect(found).toMatchObject({ tensorflow: '2.21.0', preloadFailures: [] });
  });

  test.each([
    ['wrong:matMul', 'a matrix product'],
    ['wrong:mul', 'an elementwise product'],
    ['wrong:conv2d', 'a convolution'],
    ['wrong:sum', 'a sum'],
  ])('reports for %s the failing operation: %s', async (words, part) => {
    const failure = checkAddon(await check(`good ${words}`));
    await expect(failure).rejects.toThrow(ComputeError);
    await expect(failure).rejects.toThrow(`The engine fails at ${part} (`);
  });

  test('reports that the addon for sessions does not load', async () => {
    await expect(checkAddon(await check('good sessionless'))).rejects.toThrow(
      'The TensorFlow addon does not load: undefined symbol: TF_Session.',
    );
  });

  test('reports failing gradients and a failing session', async () => {
    await expect(checkAddon(await check('good wrong:grads'))).rejects.toThrow(
      /a convolution's input gradient \(.*\), a convolution's filter gradient \(/,
    );
    const options = await check('good');
    const index = path.join(options.packages.tfjs, 'index.js');
    const engine = await fs.readFile(index, 'utf8');
    await fs.writeFile(index, engine.replace('value * variable', 'value + variable'));
    await expect(checkAddon(options)).rejects.toThrow('The engine fails at a session with a variable (');
  });

  test('reports the operation at which the process ended', async () => {
    const failure = checkAddon(await check('good gpu crash:conv2d'));
    await expect(failure).rejects.toThrow('ends while it computes a convolution: a signal ended it.');
    await expect(failure).rejects.toMatchObject({ gpu: true });
  });

  test('quotes the loader if the addon does not load, with an error that lets another addon be built', async () => {
    const failure = checkAddon(await check('bad'));
    await expect(failure).rejects.toThrow(RunError);
    await expect(failure).rejects.not.toThrow(ComputeError);
    await expect(failure).rejects.toThrow('undefined symbol: TF_Something');
  });
});

test("gpuLines and gpuLog return TensorFlow's lines about GPUs, each once", async () => {
  const log = `I0000 00:00:1.5    77 port.cc:153] oneDNN custom operations are on.
I0000 00:00:1.6    77 dso_loader.cc:144] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: no such file
I0000 00:00:1.7    77 dso_loader.cc:144] Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: no such file
I0000 00:00:1.8    77 op_kernel.cc:1768] Instantiating kernel for node: {{node Conv2D}} = Conv2D[use_cudnn_on_gpu=true](x)
2026-01-01 10:00:00.123456: W tensorflow/core/gpu_device.cc:2343] Cannot dlopen some GPU libraries.`;
  expect(gpuLines(log)).toEqual([
    "Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: no such file",
    'tensorflow/core/gpu_device.cc:2343] Cannot dlopen some GPU libraries.',
  ]);
  expect(await gpuLog(await check('good'))).toEqual([
    "Could not load dynamic library 'libcuda.so.1'; dlerror: libcuda.so.1: cannot open shared object file",
  ]);
});
