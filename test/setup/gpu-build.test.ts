import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { notify, onNotice } from '../../src/base/notices.js';
import { fallbackReason, firstStartNotice, prepareGpuBuild } from '../../src/setup/gpu-build.js';
import { surveyGpus } from '../../src/setup/gpus.js';
import { cudaLibraries, type NativeLoader } from '../../src/setup/preload.js';
import { type FakeMachine, fakeMachine, fakeSmi } from '../support/fake-machine.js';

const HOPPER = '0, GPU-1, NVIDIA H100 PCIe, 9.0, 81559, 0, 560.35.03, Disabled';
const BLACKWELL = '0, GPU-1, NVIDIA B200, 10.0, 183359, 0, 570.86, Disabled';
const ADA = '0, GPU-1, NVIDIA L4, 8.9, 23034, 0, 560.35.03, [N/A]';
const LIBRARIES = path.join(os.tmpdir(), 'no', 'tensorflow');

let machine: FakeMachine;
let notices: string[];
let loaded: string[];

/** A loader that fails at some files. */
function loaderWithout(...missing: string[]): NativeLoader {
  return {
    preload: (files) =>
      files.map((file) => {
        loaded.push(file);
        return missing.includes(path.basename(file)) ? `${file}: cannot open shared object file` : null;
      }),
    loadQuietly: () => null,
    trim: () => undefined,
  };
}

beforeEach(async () => {
  machine = await fakeMachine();
  notices = [];
  loaded = [];
  onNotice((text) => void notices.push(text));
});

afterEach(async () => {
  onNotice(() => undefined);
  await machine.dispose();
});

test('notify sends a notice to the listener', () => {
  notify('a sentence');
  expect(notices).toEqual(['a sentence']);
});

describe('prepareGpuBuild', () => {
  test("loads CUDA's libraries by full path, whatever the log level", async () => {
    machine.env.TF_CPP_MIN_LOG_LEVEL = '0';
    const build = await prepareGpuBuild(LIBRARIES, loaderWithout(), machine.env);
    expect(build).toEqual({ hasDriver: true, failures: [] });
    expect(loaded).toEqual(['libcuda.so.1', ...cudaLibraries(LIBRARIES)]);
    const at = (name: string) => loaded.findIndex((file) => file.endsWith(name));
    for (const name of ['libnvJitLink.so.12', 'libcublasLt.so.12', 'libcublas.so.12', 'libcusparse.so.12'])
      expect(at(name)).toBeLessThan(at('libcusolver.so.11'));
  });

  test('reports missing libraries', async () => {
    const loader = loaderWithout('libcuda.so.1', 'libcudnn.so.9');
    const { hasDriver, failures } = await prepareGpuBuild(LIBRARIES, loader, machine.env);
    expect(hasDriver).toBe(false);
    expect(failures).toEqual([expect.stringContaining('libcudnn.so.9: cannot open')]);
    const none = await prepareGpuBuild(LIBRARIES, 'no such file', machine.env);
    expect(none).toEqual({ hasDriver: false, failures: ['the loader: no such file'] });
  });

  test("keeps the driver's kernels in the cache folder unless the user has set another one", async () => {
    await prepareGpuBuild(LIBRARIES, loaderWithout(), machine.env);
    expect(machine.env.CUDA_CACHE_PATH).toBe(path.join(machine.env.GNR_CACHE_DIR!, 'cuda', 'kernels'));
    expect(machine.env.CUDA_CACHE_MAXSIZE).toBe('4294967296');
    expect((await fs.stat(machine.env.CUDA_CACHE_PATH!)).isDirectory()).toBe(true);
    const own = {
      ...machine.env,
      CUDA_CACHE_PATH: path.join(machine.root, 'own'),
      CUDA_CACHE_MAXSIZE: '1',
    };
    await prepareGpuBuild(LIBRARIES, loaderWithout(), own);
    expect(own).toMatchObject({ CUDA_CACHE_PATH: path.join(machine.root, 'own'), CUDA_CACHE_MAXSIZE: '1' });
  });

  test('announces only the first start', async () => {
    await machine.program('nvidia-smi', fakeSmi(HOPPER));
    await prepareGpuBuild(LIBRARIES, loaderWithout(), machine.env);
    expect(notices).toEqual([expect.stringContaining('NVIDIA H100 PCIe (compute capability 9.0)')]);
    await prepareGpuBuild(LIBRARIES, loaderWithout(), machine.env);
    expect(notices).toHaveLength(1);
  });

  test('sends no notice without a driver', async () => {
    await machine.program('nvidia-smi', fakeSmi(HOPPER));
    await prepareGpuBuild(LIBRARIES, loaderWithout('libcuda.so.1'), machine.env);
    expect(notices).toEqual([]);
  });
});

test('firstStartNotice depends on the compute capability', async () => {
  const noticeOf = async (row: string) => {
    await machine.program('nvidia-smi', fakeSmi(row));
    return firstStartNotice((await surveyGpus({ env: machine.env, root: machine.root })).gpus, 'DIR');
  };
  expect(await noticeOf(ADA)).toBeNull();
  expect(await noticeOf(HOPPER)).toContain("some of TensorFlow's kernels for NVIDIA H100 PCIe");
  expect(await noticeOf(HOPPER)).toContain('some seconds once, and the result is kept in DIR');
  expect(await noticeOf(BLACKWELL)).toContain('minutes once');
});

test('fallbackReason names what is missing', async () => {
  const options = { env: machine.env, root: machine.root };
  const missing = { hasDriver: true, failures: ['libcudnn.so.9: cannot open'] };
  expect(await fallbackReason(missing, options)).toBe(
    'libcudnn.so.9: cannot open; run npx gnr setup --device gpu',
  );
  const driverless = { hasDriver: false, failures: [] };
  expect(await fallbackReason(driverless, options)).toMatch(
    /^found no NVIDIA driver; install NVIDIA's driver/,
  );
  await machine.program('nvidia-smi', fakeSmi(ADA));
  expect(await fallbackReason(driverless, options)).toContain('a driver without its library libcuda.so.1');
  expect(await fallbackReason({ hasDriver: true, failures: [] }, options)).toContain('npx gnr doctor');
  const hidden = { ...options, env: { ...machine.env, CUDA_VISIBLE_DEVICES: '-1' } };
  expect(await fallbackReason({ hasDriver: true, failures: [] }, hidden)).toContain('CUDA_VISIBLE_DEVICES');
});
