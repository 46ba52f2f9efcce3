import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  hasBfloat16,
  isOlderVersion,
  kernelsFor,
  problemOfGpu,
  problemOfLog,
  problemOfSurvey,
  surveyGpus,
  warningOfGpu,
} from '../../src/setup/gpus.js';
import { type FakeMachine, fakeMachine, fakeSmi } from '../support/fake-machine.js';

let machine: FakeMachine;

beforeEach(async () => {
  machine = await fakeMachine();
});

afterEach(() => machine.dispose());

const survey = (env: NodeJS.ProcessEnv = {}) =>
  surveyGpus({ env: { ...machine.env, ...env }, root: machine.root });

/** Writes a file of the system, such as one of the driver's. */
async function systemFile(name: string, text = ''): Promise<void> {
  const file = path.join(machine.root, name);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, text);
}

const KERNEL_MODULE =
  'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\nGCC version:  gcc 12\n';
const OPEN_KERNEL_MODULE =
  'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  560.35.03  Release Build  (dvs-builder)\n';

/** The one GPU of a machine with this card and driver. */
async function gpuOf(name: string, capability: string, driver: string) {
  await machine.program(
    'nvidia-smi',
    fakeSmi(`0, GPU-1, ${name}, ${capability}, 24564, 412, ${driver}, [N/A]`),
  );
  return (await survey()).gpus[0]!;
}

describe('surveyGpus', () => {
  test('reads the output of nvidia-smi', async () => {
    await machine.program(
      'nvidia-smi',
      fakeSmi(
        '0, GPU-1, NVIDIA H100 80GB HBM3, 9.0, 81559, 1024, 560.35.03, Enabled',
        '1, GPU-2, NVIDIA GB10, 12.1, [N/A], [N/A], 560.35.03, [N/A]',
      ),
    );
    const { gpus, nvidiaSmi, driver } = await survey();
    expect({ nvidiaSmi, driver }).toEqual({ nvidiaSmi: 'works', driver: '560.35.03' });
    expect(gpus).toEqual([
      {
        index: 0,
        uuid: 'GPU-1',
        name: 'NVIDIA H100 80GB HBM3',
        computeCapability: 9,
        memoryBytes: 81559 * 2 ** 20,
        memoryUsedBytes: 2 ** 30,
        driver: '560.35.03',
        mig: true,
      },
      {
        index: 1,
        uuid: 'GPU-2',
        name: 'NVIDIA GB10',
        computeCapability: 12.1,
        memoryBytes: null,
        memoryUsedBytes: null,
        driver: '560.35.03',
        mig: false,
      },
    ]);
  });

  test('asks an old nvidia-smi only for fields that it supports', async () => {
    await machine.program(
      'nvidia-smi',
      `case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2 ;; esac
      echo '0, GPU-1, Tesla K80, 11441, 0, 450.80.02'`,
    );
    const [gpu] = (await survey()).gpus;
    expect(gpu).toMatchObject({ name: 'Tesla K80', computeCapability: null, driver: '450.80.02' });
    expect(problemOfGpu(gpu!)?.remedy).toBe('install driver 525.60.13 or newer');
  });

  test('finds the nvidia-smi of WSL, which is not on every PATH', async () => {
    await systemFile('dev/dxg');
    const smi = path.join(machine.root, 'usr/lib/wsl/lib/nvidia-smi');
    await fs.mkdir(path.dirname(smi), { recursive: true });
    const row = '0, GPU-1, NVIDIA GeForce RTX 4090, 8.9, 24564, 0, 560.94, [N/A]';
    await fs.writeFile(smi, `#!/bin/sh\n${fakeSmi(row)}\n`, { mode: 0o755 });
    expect(await survey()).toMatchObject({ wsl: true, deviceFiles: true, nvidiaSmi: 'works' });
    expect(problemOfSurvey(await survey())).toBeNull();
  });

  test.each([
    [KERNEL_MODULE, '535.129.03'],
    [OPEN_KERNEL_MODULE, '560.35.03'],
  ])('reads the version of the kernel module without nvidia-smi: %#', async (text, driver) => {
    await systemFile('proc/driver/nvidia/version', text);
    expect(await survey()).toMatchObject({ gpus: [], nvidiaSmi: 'missing', driver, deviceFiles: false });
  });
});

test('isOlderVersion compares versions number by number', () => {
  expect(isOlderVersion('525.60.13', '525.60.13')).toBe(false);
  expect(isOlderVersion('525.60.9', '525.60.13')).toBe(true);
  expect(isOlderVersion('525.60', '525.60.13')).toBe(true);
  expect(isOlderVersion('1000.1', '525.60.13')).toBe(false);
});

describe('the requirements of a card', () => {
  test.each([
    ['NVIDIA GeForce RTX 4090', '8.9', '525.60.12', '525.60.13'],
    ['NVIDIA H100 PCIe', '9.0', '550.127.08', '555.42'],
    ['NVIDIA H100 PCIe', '9.0', '535.183.01', '555.42'],
    ['NVIDIA GeForce RTX 5090', '12.0', '565.77', '570.26'],
    ['NVIDIA B200', '10.0', '560.35.03', '570.26'],
  ])('%s (%s) with driver %s needs %s', async (name, capability, driver, needed) => {
    const problem = problemOfGpu(await gpuOf(name, capability, driver));
    expect(problem?.found).toBe(`${name} of compute capability ${capability} with driver ${driver}`);
    expect(problem?.remedy).toBe(`install driver ${needed} or newer`);
  });

  test.each([
    ['Tesla P100-PCIE-16GB', '6.0', '525.60.13', 'built in', false],
    ['Tesla V100-SXM2-32GB', '7.0', '535.183.01', 'built in', false],
    ['Tesla T4', '7.5', '535.183.01', 'built in', false],
    ['NVIDIA A100-SXM4-80GB', '8.0', '525.60.13', 'built in', true],
    ['NVIDIA GeForce RTX 4090', '8.9', '550.54', 'built in', true],
    ['NVIDIA H100 80GB HBM3', '9.0', '555.42.02', 'some compiled', true],
    ['NVIDIA GeForce RTX 5090', '12.0', '570.86', 'all compiled', true],
  ])('%s (%s) with driver %s is fine', async (name, capability, driver, kernels, bfloat16) => {
    const gpu = await gpuOf(name, capability, driver);
    expect(problemOfGpu(gpu)).toBeNull();
    expect(kernelsFor(gpu)).toBe(kernels);
    expect(hasBfloat16(gpu)).toBe(bfloat16);
    expect(warningOfGpu(gpu) === null).toBe(kernels !== 'all compiled');
  });

  test('exclude cards before Pascal with any driver', async () => {
    const problem = problemOfGpu(await gpuOf('Tesla M60', '5.2', '560.35.03'));
    expect(problem?.found).toBe('Tesla M60 of compute capability 5.2, below 6.0');
    expect(problem?.remedy).toContain('--device cpu');
  });
});

describe('problemOfSurvey', () => {
  test('accepts several cards if one is usable', async () => {
    const old = '0, GPU-1, Tesla M60, 5.2, 8192, 0, 560.35.03, [N/A]';
    const l4 = '1, GPU-2, NVIDIA L4, 8.9, 23034, 0, 560.35.03, [N/A]';
    await machine.program('nvidia-smi', fakeSmi(old));
    expect(problemOfSurvey(await survey())?.found).toContain('Tesla M60');
    await machine.program('nvidia-smi', fakeSmi(old, l4));
    expect(problemOfSurvey(await survey())).toBeNull();
    expect(problemOfSurvey(await survey({ CUDA_VISIBLE_DEVICES: '-1' }))?.remedy).toBe('unset it');
    expect(problemOfSurvey(await survey({ CUDA_VISIBLE_DEVICES: '' }))?.remedy).toBe('unset it');
    expect(problemOfSurvey(await survey({ CUDA_VISIBLE_DEVICES: '1' }))).toBeNull();
  });

  test('quotes an nvidia-smi that fails', async () => {
    await machine.program(
      'nvidia-smi',
      'echo "Failed to initialize NVML: Driver/library version mismatch"; exit 18',
    );
    const problem = problemOfSurvey(await survey());
    expect(problem?.found).toContain('Driver/library version mismatch');
    expect(problem?.remedy).toContain('restart the machine');
  });

  test.each([
    [[], 'no NVIDIA driver', "install NVIDIA's driver"],
    [['.dockerenv'], 'no GPU in this container', '--gpus all'],
    [['run/.containerenv'], 'no GPU in this container', '--gpus all'],
    [
      ['.dockerenv', 'proc/driver/nvidia/version'],
      'no GPU in this container, though the machine has driver 535.129.03',
      '--gpus all',
    ],
    [['proc/driver/nvidia/version'], 'driver 535.129.03, which shows no GPU', 'nvidia-smi'],
  ])('without nvidia-smi and with %j: %s', async (files, found, remedy) => {
    for (const file of files) await systemFile(file, KERNEL_MODULE);
    const problem = problemOfSurvey(await survey());
    expect(problem?.found).toBe(found);
    expect(problem?.remedy).toContain(remedy);
  });

  test('finds no problem in a container that may only compute', async () => {
    await systemFile('.dockerenv');
    await systemFile('dev/nvidiactl');
    await systemFile('proc/driver/nvidia/version', KERNEL_MODULE);
    expect(problemOfSurvey(await survey())).toBeNull();
    await systemFile('proc/driver/nvidia/version', KERNEL_MODULE.replace('535.129.03', '470.82.01'));
    expect(problemOfSurvey(await survey())?.found).toBe('driver 470.82.01');
  });
});

describe('problemOfLog', () => {
  const missing = (name: string) => [
    `Could not load dynamic library '${name}'; dlerror: ${name}: cannot open`,
  ];

  test('names a missing library from the wheels before that of the driver', async () => {
    const lines = [...missing('libcuda.so.1'), ...missing('libcusolver.so.11')];
    expect(problemOfLog(lines, await survey()).found).toBe('libcusolver.so.11 missing or damaged');
  });

  test('distinguishes a missing driver, a driver without its library, and WSL', async () => {
    expect(problemOfLog(missing('libcuda.so.1'), await survey()).found).toBe('no NVIDIA driver');
    await systemFile('dev/nvidiactl');
    expect(problemOfLog(missing('libcuda.so.1'), await survey()).remedy).toContain('libcuda1');
    await systemFile('dev/dxg');
    expect(problemOfLog(missing('libcuda.so.1'), await survey()).remedy).toContain('in Windows');
  });

  test('recognises a driver that is too old', async () => {
    const lines = ['failed call to cuInit: CUDA_ERROR_UNSUPPORTED_PTX_VERSION'];
    expect(problemOfLog(lines, await survey()).remedy).toBe('update the driver');
  });
});
