// Gathers what the program runs on, and formats it as a table.
import fs from 'node:fs/promises';
import os from 'node:os';
import { cacheDirectory } from '../../base/cache-directory.js';
import { countOf } from '../../base/count-of.js';
import { messageOf } from '../../base/errors.js';
import { availableProcessors } from '../../base/processors.js';
import { runProgram } from '../../base/run-program.js';
import { type ArithmeticCheck, checkDevice } from '../../runtime/device-check.js';
import { type EngineInfo, loadEngine } from '../../runtime/node.js';
import { type GpuSurvey, problemOfSurvey, surveyGpus } from '../../setup/gpus.js';
import { onMissingEngine } from '../../setup/on-demand.js';
import { type Tool, toolPath } from '../../video/tools.js';
import { listWeights } from '../../weights/list.js';
import { arithmeticsOf, checkRows, failedParts, type GpuUse, gpuRows, gpuUse } from './doctor-gpu.js';
import { mpiPart } from './doctor-mpi.js';

/** Something that only some commands need. */
export interface OptionalPart {
  name: string;
  /** What needs it. */
  use: string;
  /** What was found, in words; null if it is missing. */
  found: string | null;
  /** How to get it; null if nothing is missing. */
  remedy: string | null;
}

/** What `gnr doctor` found. */
export interface DoctorReport {
  /** Whether the engine loads and computes. */
  ok: boolean;
  engine: EngineInfo | null;
  /** Why it does not work, with the remedy; null if it works. */
  problem: string | null;
  versions: { node: string; sharp: string | null; libvips: string | null };
  machine: {
    system: string;
    processor: string;
    cores: number;
    /** The processor's instruction sets that matter to the arithmetic. */
    instructions: string[];
    /** Whether the processor multiplies in bfloat16, which `runtime.arithmetic` may then use. */
    bfloat16: boolean;
    memoryBytes: number;
    memoryFreeBytes: number;
  };
  cacheDirectory: string;
  /** NVIDIA GPUs and their driver. Memory in use is that of other processes: it was read before the engine loaded. */
  gpus: GpuSurvey;
  gpuUse: GpuUse;
  /** Checks of what the device computes, and how fast; empty if the engine does not load. */
  checks: ArithmeticCheck[];
  optional: OptionalPart[];
}

const INSTRUCTIONS = [
  'avx',
  'avx2',
  'fma',
  'avx512f',
  'avx512_bf16',
  'amx_tile',
  'amx_bf16',
  'asimd',
  'sve',
  'bf16',
];
const BFLOAT16_INSTRUCTIONS = ['avx512_bf16', 'amx_bf16', 'bf16'];

/** @returns the instruction sets that matter to the arithmetic, of the first processor in the text of /proc/cpuinfo. */
export function instructionsOf(cpuinfo: string): string[] {
  const flags = new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(' ') ?? []);
  return INSTRUCTIONS.filter((name) => flags.has(name));
}

/** @returns the cache folder, or why there is none: the rest of the report matters all the more then. */
function cacheFolder(): string {
  try {
    return cacheDirectory();
  } catch (error) {
    return messageOf(error);
  }
}

async function machine(): Promise<DoctorReport['machine']> {
  const instructions = instructionsOf(await fs.readFile('/proc/cpuinfo', 'utf8').catch(() => ''));
  const limit = process.constrainedMemory();
  return {
    system: `${os.type()} ${os.release()} ${process.arch}`,
    processor: os.cpus()[0]?.model.trim() || 'unknown',
    cores: availableProcessors(),
    instructions,
    bfloat16: instructions.some((name) => BFLOAT16_INSTRUCTIONS.includes(name)),
    // A container's limit counts if it is below the machine's memory.
    memoryBytes: limit > 0 ? Math.min(limit, os.totalmem()) : os.totalmem(),
    memoryFreeBytes: Math.min(os.freemem(), process.availableMemory()),
  };
}

async function engineState(): Promise<{ engine: EngineInfo | null; problem: string | null }> {
  // The doctor says what is missing; it does not mend it.
  onMissingEngine(undefined);
  try {
    return { engine: await loadEngine(), problem: null };
  } catch (error) {
    return { engine: null, problem: messageOf(error) };
  }
}

async function sharpVersions(): Promise<{ sharp: string | null; libvips: string | null }> {
  try {
    const { default: sharp } = await import('sharp');
    return { sharp: sharp.versions.sharp ?? null, libvips: sharp.versions.vips ?? null };
  } catch {
    return { sharp: null, libvips: null };
  }
}

/** @returns the first line that a program prints about its version; null if it is missing or fails. */
async function programVersion(program: string, argument: string): Promise<string | null> {
  const { code, stdout } = await runProgram(program, [argument]);
  return code === 0 ? (stdout.split('\n', 1)[0]?.trim() ?? '') : null;
}

/** Finds out which metric weights are in the cache, and how to get the others. */
async function metricWeights(): Promise<OptionalPart> {
  const rows = await listWeights();
  const found = rows.flatMap(({ name, state }) =>
    state === 'missing' ? [] : [state === 'present' ? name : `${name} (${state})`],
  );
  const missing = rows.filter(({ state }) => state === 'missing' || state === 'damaged');
  const names = missing.length === rows.length ? 'all' : missing.map(({ name }) => name).join(' ');
  return {
    name: 'metric weights',
    use: 'evaluation and the perceptual loss',
    found: found.length > 0 ? found.join(', ') : null,
    remedy: missing.length > 0 ? `npx gnr weights fetch ${names} (npx gnr weights list has details)` : null,
  };
}

function part(name: string, use: string, found: string | null, remedy: string): OptionalPart {
  return { name, use, found, remedy: found === null ? remedy : null };
}

async function videoTool(tool: Tool, variable: string): Promise<OptionalPart> {
  const remedy = `apt install ffmpeg, or set ${variable} to where it is`;
  return part(tool, 'gnr video', await programVersion(toolPath(tool), '-version'), remedy);
}

function gpuPart(survey: GpuSurvey, engine: EngineInfo | null): OptionalPart {
  const names = survey.gpus.map(({ name }) => name).join(', ');
  const isUsed = engine?.device === 'gpu';
  // A container may have a GPU without nvidia-smi.
  const found = names || (isUsed ? 'one that nvidia-smi does not name' : null);
  const setup = 'run npx gnr setup --device gpu';
  const problem = problemOfSurvey(survey);
  const remedy = isUsed ? null : problem ? `${problem.remedy}, then ${setup}` : `${setup} to use it`;
  return { name: 'GPU', use: 'much faster training', found, remedy };
}

async function optionalParts(gpu: OptionalPart): Promise<OptionalPart[]> {
  return [
    gpu,
    await videoTool('ffmpeg', 'FFMPEG_PATH'),
    await videoTool('ffprobe', 'FFPROBE_PATH'),
    await mpiPart(),
    await metricWeights(),
  ];
}

/** Examines everything that the program runs on. Loads the engine and computes with it; changes nothing. */
export async function examine(): Promise<DoctorReport> {
  const gpus = await surveyGpus();
  const { engine, problem } = await engineState();
  const thisMachine = await machine();
  const checks = engine ? checkDevice(arithmeticsOf(engine, gpus, thisMachine.bfloat16)) : [];
  const failed = failedParts(checks);
  return {
    ok: engine !== null && failed === null,
    engine,
    problem: problem ?? failed,
    versions: { node: process.versions.node, ...(await sharpVersions()) },
    machine: thisMachine,
    cacheDirectory: cacheFolder(),
    gpus,
    gpuUse: await gpuUse(engine, gpus),
    checks,
    optional: await optionalParts(gpuPart(gpus, engine)),
  };
}

/** @returns the report as a table of two columns, and the remedies for missing parts. */
export function formatReport(report: DoctorReport): string {
  const { engine, versions, machine: m } = report;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const rows: [string, string][] = [
    [
      'engine',
      engine
        ? `${engine.backend} on ${engine.device}, ${countOf(engine.threads, 'thread')}`
        : 'does not work',
    ],
    ['TensorFlow', engine ? `${engine.tensorflowVersion} (tfjs ${engine.tfjsVersion})` : '-'],
    ['Node', versions.node],
    ['sharp', versions.sharp ? `${versions.sharp} (libvips ${versions.libvips})` : 'missing: run npm ci'],
    ['system', m.system],
    ['processor', `${m.processor}, ${m.cores} cores`],
    ['instructions', m.instructions.join(' ') || 'unknown'],
    ...checkRows(report.checks),
    ['memory', `${gigabytes(m.memoryBytes)}, ${gigabytes(m.memoryFreeBytes)} free`],
    ['cache', report.cacheDirectory],
    ...gpuRows(report.gpus, report.gpuUse),
    ...report.optional.map((p): [string, string] => [p.name, p.found ?? `missing (for ${p.use})`]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.map(([name, value]) => name.padEnd(width) + value);
  const remedies = report.optional.filter((p) => p.remedy !== null).map((p) => `  ${p.name}: ${p.remedy}`);
  if (remedies.length > 0) lines.push('', 'Optional:', ...remedies);
  if (report.gpuUse.log.length > 0)
    lines.push('', 'TensorFlow about the GPU:', ...report.gpuUse.log.map((line) => `  ${line}`));
  if (report.problem) lines.push('', `Problem: ${report.problem}`);
  return lines.join('\n');
}
