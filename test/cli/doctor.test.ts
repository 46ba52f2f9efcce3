import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { arithmeticsOf, checkRows, failedParts, gpuRows, gpuUse } from '../../src/cli/run/doctor-gpu.js';
import { type DoctorReport, examine, formatReport, instructionsOf } from '../../src/cli/run/doctor-report.js';
import type { ArithmeticCheck } from '../../src/runtime/device-check.js';
import type { EngineInfo } from '../../src/runtime/node.js';
import * as engine from '../../src/runtime/node.js';
import type { Gpu, GpuSurvey } from '../../src/setup/gpus.js';
import { placeOf } from '../../src/weights/cache.js';
import { formulaCache } from '../support/weights.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Runs a command line and returns its exit code and standard output. */
async function run(...argv: string[]): Promise<{ code: number; stdout: string }> {
  let stdout = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
  return { code: await runCommandLine(argv), stdout };
}

test('the instructions that matter are read from /proc/cpuinfo', () => {
  const intel = 'processor\t: 0\nflags\t\t: fpu avx avx2 avx512f avx512_bf16 amx_bf16 amx_tile amx_int8\n';
  expect(instructionsOf(intel)).toEqual(['avx', 'avx2', 'avx512f', 'avx512_bf16', 'amx_tile', 'amx_bf16']);
  expect(instructionsOf('Features\t: fp asimd sve bf16\n')).toEqual(['asimd', 'sve', 'bf16']);
  expect(instructionsOf('')).toEqual([]);
});

test('gnr doctor --json reports the engine, and exits with 0', async () => {
  const { code, stdout } = await run('doctor', '--json');
  const report = JSON.parse(stdout) as DoctorReport;
  expect(code).toBe(0);
  expect(report).toMatchObject({ ok: true, problem: null, engine: { backend: 'tensorflow' } });
  expect(report.versions.node).toBe(process.versions.node);
  expect(report.gpuUse.used).toBe(report.engine!.device === 'gpu');
  expect(report.checks[0]).toMatchObject({ arithmetic: 'float32', ok: true });
  expect(report.machine.memoryBytes).toBeGreaterThan(0);
  for (const part of report.optional) if (part.found === null) expect(part.remedy).toBeTruthy();
});

test('gnr doctor shows a table with a line for each part, and each remedy', async () => {
  const { code, stdout } = await run('doctor');
  expect(code).toBe(0);
  for (const name of [
    'engine',
    'TensorFlow',
    'Node',
    'sharp',
    'float32',
    'memory',
    'cache',
    'GPU in use',
    'ffmpeg',
    'ffprobe',
    'MPI',
    'GPU',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${name} {2,}\\S`, 'm'));
  }
});

test('gnr doctor tells which metric weights there are, and how to get the others', async () => {
  await engine.loadEngine();
  const { GNR_CACHE_DIR } = await formulaCache('alexnet', 'lpips-alex');
  vi.stubEnv('GNR_CACHE_DIR', GNR_CACHE_DIR);
  await writeFile(placeOf('lpips-alex').file, 'x');
  const { stdout } = await run('doctor');
  expect(stdout).toMatch(/^metric weights +alexnet \(unverified\), lpips-alex \(damaged\)$/m);
  expect(stdout).toContain(
    'metric weights: npx gnr weights fetch inception inception-imagenet vgg16 lpips-vgg lpips-alex (',
  );
  vi.stubEnv('GNR_CACHE_DIR', join(GNR_CACHE_DIR, 'empty'));
  const empty = await run('doctor');
  expect(empty.stdout).toMatch(/^metric weights +missing \(for evaluation and the perceptual loss\)$/m);
  expect(empty.stdout).toContain('metric weights: npx gnr weights fetch all (');
});

test('an engine that does not load is exit code 2, with its remedy', async () => {
  const details = { expected: 'the TensorFlow addon', found: 'none', remedy: 'run npx gnr setup' };
  vi.spyOn(engine, 'loadEngine').mockRejectedValue(new InputError(details));
  const { code, stdout } = await run('doctor');
  expect(code).toBe(2);
  expect(stdout).toContain('Problem: Expected the TensorFlow addon but found none; run npx gnr setup.');
});

test('every missing part has its remedy in the table', async () => {
  const report = await examine();
  const missing = report.optional.map((part) => ({ ...part, found: null, remedy: `get ${part.name}` }));
  const text = formatReport({ ...report, optional: missing });
  for (const part of missing) {
    expect(text).toContain(`missing (for ${part.use})`);
    expect(text).toContain(`  ${part.name}: get ${part.name}`);
  }
});

describe('GPUs', () => {
  const gpus: Gpu[] = [
    {
      index: 0,
      uuid: 'GPU-1',
      name: 'NVIDIA H100 80GB HBM3',
      computeCapability: 9,
      memoryBytes: 80e9,
      memoryUsedBytes: 1.5e9,
      driver: '560.35.03',
      mig: true,
    },
    {
      index: 1,
      uuid: 'GPU-2',
      name: 'Tesla T4',
      computeCapability: 7.5,
      memoryBytes: null,
      memoryUsedBytes: null,
      driver: '470.82.01',
      mig: false,
    },
  ];
  const survey: GpuSurvey = {
    gpus,
    nvidiaSmi: 'works',
    nvidiaSmiMessage: '',
    driver: '560.35.03',
    deviceFiles: true,
    wsl: false,
    container: false,
    hidden: null,
  };
  const info: EngineInfo = {
    backend: 'tensorflow',
    device: 'cpu',
    tensorflowVersion: '2.21.0',
    tfjsVersion: '4.22.0',
    threads: 1,
    arithmetic: 'float32',
    deterministic: true,
  };

  test('are described, with what their memory holds and where their kernels come from', () => {
    expect(gpuRows(survey, { used: true, reason: null, log: [] })).toEqual([
      [
        'GPU 0',
        'NVIDIA H100 80GB HBM3, compute capability 9.0, 80.0 GB, 78.5 GB free, other processes hold 1.5 GB, ' +
          'driver 560.35.03, MIG; the driver compiles some kernels at the first start (seconds); TF32 and bfloat16',
      ],
      [
        'GPU 1',
        'Tesla T4, compute capability 7.5, driver 470.82.01; TensorFlow cannot use it: install driver 525.60.13 or newer',
      ],
      ['GPU in use', 'yes'],
    ]);
    const unnamed: GpuSurvey = { ...survey, gpus: [], nvidiaSmi: 'missing' };
    expect(gpuRows(unnamed, { used: false, reason: 'the CPU build is set up', log: [] })).toEqual([
      ['GPU driver', '560.35.03; there is no nvidia-smi to name the GPU'],
      ['GPU in use', 'no: the CPU build is set up'],
    ]);
  });

  test('are used, or there is a reason', async () => {
    expect(await gpuUse({ ...info, device: 'gpu' }, survey)).toEqual({ used: true, reason: null, log: [] });
    expect((await gpuUse(info, survey)).reason).toBe('the CPU build of TensorFlow is set up');
    expect((await gpuUse(info, { ...survey, gpus: gpus.slice(1) })).reason).toContain('driver 470.82.01');
    expect((await gpuUse(null, survey)).reason).toBe('the engine does not load');
  });

  test('decide the arithmetics that are checked', () => {
    const onGpu: EngineInfo = { ...info, device: 'gpu' };
    expect(arithmeticsOf(onGpu, survey, false)).toEqual(['float32', 'tf32', 'bfloat16']);
    expect(arithmeticsOf(onGpu, { ...survey, gpus: gpus.slice(1) }, true)).toEqual(['float32']);
    expect(arithmeticsOf(info, survey, false)).toEqual(['float32']);
    expect(arithmeticsOf(info, survey, true)).toEqual(['float32', 'bfloat16']);
  });
});

describe('what was computed', () => {
  const check: ArithmeticCheck = {
    arithmetic: 'float32',
    ok: true,
    tolerance: 1e-5,
    parts: [{ name: 'a convolution', ok: true, error: 1e-7, problem: null }],
    productFlops: 312.4e12,
    convolutionFlops: 0.4567e12,
  };

  test('is a row of the table with its speed', () => {
    expect(checkRows([check])).toEqual([
      ['float32', 'all 1 checks passed; product 312.4 TFLOP/s, convolution 0.457 TFLOP/s'],
    ]);
    expect(checkRows([{ ...check, arithmetic: 'bfloat16', productFlops: null }])[0]![1]).toBe(
      'all 1 checks passed; convolution 0.457 TFLOP/s',
    );
    expect(failedParts([check])).toBeNull();
  });

  test('is a problem where it is wrong', () => {
    const wrong = { name: 'a sum', ok: false, error: 0.25, problem: null };
    const broken = { name: 'a convolution', ok: false, error: null, problem: 'CUDNN_STATUS_NOT_INITIALIZED' };
    expect(failedParts([{ ...check, ok: false, parts: [wrong, broken] }])).toBe(
      'The engine computes wrong results: a sum in float32 (it is off by 2.5e-1, and 1e-5 is allowed), ' +
        'a convolution in float32 (CUDNN_STATUS_NOT_INITIALIZED); run npx gnr setup.',
    );
  });
});
