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

test('instructionsOf reads the vector and matrix instructions from /proc/cpuinfo', () => {
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

test('gnr doctor prints a table with a row for each part of the machine', async () => {
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

test('gnr doctor lists the metric weights it has, and the command that fetches the others', async () => {
  await engine.loadEngine();
  const { GNR_CACHE_DIR } = await formulaCache('alexnet', 'lpips-alex');
  vi.stubEnv('GNR_CACHE_DIR', GNR_CACHE_DIR);
  await writeFile(placeOf('lpips-alex').file, 'x');
  const { stdout } = await run('doctor');
  expect(stdout).toMatch(/^metric weights +.*alexnet \(unverified\).*lpips-alex \(damaged\)/m);
  expect(stdout).toMatch(
    /npx gnr weights fetch inception inception-imagenet vgg16 lpips-vgg lpips-alex(?! alexnet)/,
  );
  vi.stubEnv('GNR_CACHE_DIR', join(GNR_CACHE_DIR, 'empty'));
  const empty = await run('doctor');
  expect(empty.stdout).toMatch(/^metric weights +missing\b/m);
  expect(empty.stdout).toContain('npx gnr weights fetch all');
});

test('gnr doctor exits with 2 and the remedy if the engine does not load', async () => {
  const details = { expected: 'the TensorFlow addon', found: 'none', remedy: 'run npx gnr setup' };
  vi.spyOn(engine, 'loadEngine').mockRejectedValue(new InputError(details));
  const { code, stdout } = await run('doctor');
  expect(code).toBe(2);
  expect(stdout).toContain('Problem: Expected the TensorFlow addon but found none; run npx gnr setup.');
});

test('formatReport lists the use and the remedy of every missing part', async () => {
  const report = await examine();
  const missing = report.optional.map((part) => ({ ...part, found: null, remedy: `get ${part.name}` }));
  const text = formatReport({ ...report, optional: missing });
  for (const part of missing) {
    expect(text).toContain(`missing (for ${part.use})`);
    expect(text).toContain(`  ${part.name}: get ${part.name}`);
  }
});

describe('the GPU rows of gnr doctor', () => {
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

  test('describe each GPU with its memory, its driver and the origin of its kernels', () => {
    const rows = Object.fromEntries(gpuRows(survey, { used: true, reason: null, log: [] }));
    expect(Object.keys(rows)).toEqual(['GPU 0', 'GPU 1', 'GPU in use']);
    for (const fact of [
      ...['H100', 'capability 9.0', '80.0 GB', '78.5 GB free', '1.5 GB', 'driver 560.35.03', 'MIG'],
      ...['compiles some kernels', 'TF32 and bfloat16'],
    ])
      expect(rows['GPU 0']).toContain(fact);
    for (const fact of ['T4', 'capability 7.5', 'driver 470.82.01', 'install driver 525.60.13'])
      expect(rows['GPU 1']).toContain(fact);
    expect(rows['GPU 1']).not.toMatch(/GB|MIG|TF32/);
    expect(rows['GPU in use']).toBe('yes');
  });

  test('name the driver if there is no nvidia-smi, and the reason if no GPU is used', () => {
    const unnamed: GpuSurvey = { ...survey, gpus: [], nvidiaSmi: 'missing' };
    const reason = 'the CPU build is set up';
    const rows = Object.fromEntries(gpuRows(unnamed, { used: false, reason, log: [] }));
    expect(rows['GPU driver']).toMatch(/560\.35\.03.*no nvidia-smi/);
    expect(rows['GPU in use']).toBe(`no: ${reason}`);
  });

  test('say that a GPU is used, or why not', async () => {
    expect(await gpuUse({ ...info, device: 'gpu' }, survey)).toEqual({ used: true, reason: null, log: [] });
    expect((await gpuUse(info, survey)).reason).toBe('the CPU build of TensorFlow is set up');
    expect((await gpuUse(info, { ...survey, gpus: gpus.slice(1) })).reason).toContain('driver 470.82.01');
    expect((await gpuUse(null, survey)).reason).toBe('the engine does not load');
  });

  test('arithmeticsOf checks the arithmetics that the device supports', () => {
    const onGpu: EngineInfo = { ...info, device: 'gpu' };
    expect(arithmeticsOf(onGpu, survey, false)).toEqual(['float32', 'tf32', 'bfloat16']);
    expect(arithmeticsOf(onGpu, { ...survey, gpus: gpus.slice(1) }, true)).toEqual(['float32']);
    expect(arithmeticsOf(info, survey, false)).toEqual(['float32']);
    expect(arithmeticsOf(info, survey, true)).toEqual(['float32', 'bfloat16']);
  });
});

describe('the arithmetic checks of gnr doctor', () => {
  const check: ArithmeticCheck = {
    arithmetic: 'float32',
    ok: true,
    tolerance: 1e-5,
    parts: [{ name: 'a convolution', ok: true, error: 1e-7, problem: null }],
    productFlops: 312.4e12,
    convolutionFlops: 0.4567e12,
  };

  test('have a row with the measured speed for each arithmetic that passes', () => {
    const slower: ArithmeticCheck = { ...check, arithmetic: 'bfloat16', productFlops: null };
    const [float32, bfloat16] = checkRows([check, slower]);
    expect(float32).toEqual([
      'float32',
      expect.stringMatching(/passed.*product 312\.4 TFLOP\/s.*convolution 0\.457 TFLOP\/s/),
    ]);
    expect(bfloat16).toEqual(['bfloat16', expect.stringMatching(/passed.*convolution 0\.457 TFLOP\/s/)]);
    expect(bfloat16![1]).not.toContain('product');
    expect(failedParts([check])).toBeNull();
  });

  test('report each part that computes wrong results or fails, with the remedy', () => {
    const wrong = { name: 'a sum', ok: false, error: 0.25, problem: null };
    const broken = { name: 'a convolution', ok: false, error: null, problem: 'CUDNN_STATUS_NOT_INITIALIZED' };
    const text = failedParts([{ ...check, ok: false, parts: [wrong, broken] }]);
    expect(text).toMatch(/a sum in float32 .*2\.5e-1.*1e-5/);
    expect(text).toMatch(/a convolution in float32 .*CUDNN_STATUS_NOT_INITIALIZED.*npx gnr setup/);
  });
});
