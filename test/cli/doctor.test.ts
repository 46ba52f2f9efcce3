import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type DoctorReport, examine, formatReport, instructionsOf } from '../../src/cli/doctor-report.js';
import { runCommandLine } from '../../src/cli/run.js';
import { InputError } from '../../src/errors.js';
import * as engine from '../../src/runtime/node.js';
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
    'memory',
    'cache',
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
  const complaint = { expected: 'the TensorFlow addon', found: 'none', remedy: 'run npx gnr setup' };
  vi.spyOn(engine, 'loadEngine').mockRejectedValue(new InputError(complaint));
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
