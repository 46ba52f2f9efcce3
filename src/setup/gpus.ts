// Finds NVIDIA GPUs and their driver, and decides whether TensorFlow's CUDA build can use them.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { lastLines, runProgram } from '../base/run-program.js';

/** An NVIDIA GPU as nvidia-smi describes it; null for properties that it does not report. */
export interface Gpu {
  index: number;
  uuid: string;
  name: string;
  /** Such as 8.6. */
  computeCapability: number | null;
  memoryBytes: number | null;
  /** Memory that all processes use together. */
  memoryUsedBytes: number | null;
  /** Version of the driver, such as 560.35.03. */
  driver: string;
  /** Whether it is partitioned into instances (MIG). */
  mig: boolean;
}

export interface GpuSurvey {
  gpus: Gpu[];
  nvidiaSmi: 'works' | 'fails' | 'missing';
  /** The output of an nvidia-smi that fails; empty otherwise. */
  nvidiaSmiMessage: string;
  /** Version of the driver; null if there is none or its version is unknown. */
  driver: string | null;
  /** Whether a driver's device files exist, as in containers that may use GPUs. */
  deviceFiles: boolean;
  /** Whether this is Linux on Windows (WSL 2), where the driver is in Windows. */
  wsl: boolean;
  container: boolean;
  /** CUDA_VISIBLE_DEVICES if it hides every GPU, else null. */
  hidden: string | null;
}

export interface SurveyOptions {
  env?: NodeJS.ProcessEnv;
  /** The root of the system's files; `/` by default. */
  root?: string;
}

const FIELDS = 'index,uuid,name,compute_cap,memory.total,memory.used,driver_version,mig.mode.current';
/** The fields that drivers before 510 support. */
const OLD_FIELDS = 'index,uuid,name,memory.total,memory.used,driver_version';

function numberOf(text: string | undefined): number | null {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : null;
}

function parseRow(line: string, fields: string): Gpu {
  const cells = line.split(',').map((cell) => cell.trim());
  const row: Record<string, string | undefined> = {};
  for (const [i, name] of fields.split(',').entries()) row[name] = cells[i];
  const bytes = (name: string) => {
    const mebibytes = numberOf(row[name]);
    return mebibytes === null ? null : mebibytes * 2 ** 20;
  };
  return {
    index: numberOf(row.index) ?? 0,
    uuid: row.uuid ?? '',
    name: row.name ?? '',
    computeCapability: numberOf(row.compute_cap),
    memoryBytes: bytes('memory.total'),
    memoryUsedBytes: bytes('memory.used'),
    driver: row.driver_version ?? '',
    mig: row['mig.mode.current'] === 'Enabled',
  };
}

type SmiResult = Pick<GpuSurvey, 'gpus' | 'nvidiaSmi' | 'nvidiaSmiMessage'>;

async function query(program: string, fields: string, env: NodeJS.ProcessEnv): Promise<SmiResult> {
  const args = [`--query-gpu=${fields}`, '--format=csv,noheader,nounits'];
  const { code, stdout, stderr } = await runProgram(program, args, { env });
  if (code === undefined) return { gpus: [], nvidiaSmi: 'missing', nvidiaSmiMessage: '' };
  if (code !== 0) {
    const nvidiaSmiMessage = lastLines(`${stdout}\n${stderr}`) || `exit code ${code}`;
    return { gpus: [], nvidiaSmi: 'fails', nvidiaSmiMessage };
  }
  const rows = stdout.split('\n').filter((line) => /^\d+\s*,/.test(line));
  return { gpus: rows.map((line) => parseRow(line, fields)), nvidiaSmi: 'works', nvidiaSmiMessage: '' };
}

/** Runs nvidia-smi, which is not on every PATH: WSL has it in a folder of its own. */
async function askNvidiaSmi(env: NodeJS.ProcessEnv, root: string): Promise<SmiResult> {
  const places = ['usr/bin', 'usr/lib/wsl/lib'].map((folder) => path.join(root, folder, 'nvidia-smi'));
  for (const program of ['nvidia-smi', ...places.filter((file) => existsSync(file))]) {
    const result = await query(program, FIELDS, env);
    if (result.nvidiaSmi === 'missing') continue;
    return /not a valid field/i.test(result.nvidiaSmiMessage) ? query(program, OLD_FIELDS, env) : result;
  }
  return { gpus: [], nvidiaSmi: 'missing', nvidiaSmiMessage: '' };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Looks for NVIDIA GPUs and their driver, without loading TensorFlow. */
export async function surveyGpus({ env = process.env, root = '/' }: SurveyOptions = {}): Promise<GpuSurvey> {
  const at = (file: string) => path.join(root, file);
  const smi = await askNvidiaSmi(env, root);
  const kernelModule = /Module\b.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(
    textOf(at('proc/driver/nvidia/version')),
  )?.[1];
  const wsl = existsSync(at('dev/dxg'));
  const visible = env.CUDA_VISIBLE_DEVICES;
  return {
    ...smi,
    driver: smi.gpus[0]?.driver ?? kernelModule ?? null,
    deviceFiles: wsl || existsSync(at('dev/nvidiactl')),
    wsl,
    container: ['.dockerenv', 'run/.containerenv'].some((file) => existsSync(at(file))),
    hidden: visible !== undefined && /^\s*$|^\s*-1/.test(visible) ? visible : null,
  };
}

/** Whether there is any sign of a driver. */
export function hasDriver({ gpus, deviceFiles, driver }: GpuSurvey): boolean {
  return gpus.length > 0 || deviceFiles || driver !== null;
}

/** Whether a version is older than another, comparing number by number. */
export function isOlderVersion(version: string, than: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, needed] of than.split('.').map(Number).entries()) {
    const part = parts[i] ?? 0;
    if (part !== needed) return part < needed;
  }
  return false;
}

/** Lowest compute capability for which the wheel has kernels. */
const MIN_COMPUTE_CAPABILITY = 6;
/** Lowest compute capability that multiplies in bfloat16 and TF32. */
const MIN_BFLOAT16_COMPUTE_CAPABILITY = 8;
const HOPPER = 9;
const BLACKWELL = 10;
/** The oldest driver for CUDA 12. */
const MIN_DRIVER = '525.60.13';
/** The oldest driver that compiles PTX 8.5, the only form of some of the wheel's kernels for compute capability 9.0. */
const MIN_DRIVER_HOPPER = '555.42';
/** The oldest driver for Blackwell. */
const MIN_DRIVER_BLACKWELL = '570.26';

/** A reason why a GPU cannot be used, and the remedy. */
export interface GpuProblem {
  found: string;
  /** An imperative. */
  remedy: string;
}

function driverNeeded(gpu: Gpu): string {
  const capability = gpu.computeCapability ?? 0;
  if (capability >= BLACKWELL) return MIN_DRIVER_BLACKWELL;
  return capability >= HOPPER ? MIN_DRIVER_HOPPER : MIN_DRIVER;
}

/** Why TensorFlow's CUDA build cannot use a GPU; null if no reason is known. */
export function problemOfGpu(gpu: Gpu): GpuProblem | null {
  const { name, computeCapability, driver } = gpu;
  const card =
    computeCapability === null ? name : `${name} of compute capability ${computeCapability.toFixed(1)}`;
  if (computeCapability !== null && computeCapability < MIN_COMPUTE_CAPABILITY) {
    const found = `${card}, below ${MIN_COMPUTE_CAPABILITY}.0`;
    return { found, remedy: 'use a newer GPU, or npx gnr setup --device cpu' };
  }
  const needed = driverNeeded(gpu);
  if (!isOlderVersion(driver, needed)) return null;
  return { found: `${card} with driver ${driver}`, remedy: `install driver ${needed} or newer` };
}

/** A warning about a GPU that can be used; null if there is nothing to warn of. */
export function warningOfGpu({ name, computeCapability }: Gpu): string | null {
  if (computeCapability === null || computeCapability < BLACKWELL) return null;
  return `${name} (compute capability ${computeCapability.toFixed(1)}) is newer than TensorFlow's kernels and untested`;
}

/** Whether TensorFlow's kernels for a GPU are built in, or compiled by the driver. */
export function kernelsFor({
  computeCapability,
}: Gpu): 'built in' | 'some compiled' | 'all compiled' | 'unknown' {
  if (computeCapability === null) return 'unknown';
  if (computeCapability >= BLACKWELL) return 'all compiled';
  return computeCapability >= HOPPER ? 'some compiled' : 'built in';
}

/** Whether a GPU multiplies in bfloat16 and in TF32. */
export function hasBfloat16({ computeCapability }: Gpu): boolean {
  return computeCapability !== null && computeCapability >= MIN_BFLOAT16_COMPUTE_CAPABILITY;
}

/** Why no driver can be reached. */
function problemOfDriver({ wsl, container, driver, deviceFiles }: GpuSurvey): GpuProblem {
  if (wsl)
    return {
      found: 'no GPU that Windows shares with WSL 2',
      remedy: "install NVIDIA's driver in Windows (none inside WSL), then run wsl --shutdown",
    };
  if (container && !deviceFiles)
    return {
      found:
        driver === null
          ? 'no GPU in this container'
          : `no GPU in this container, though the machine has driver ${driver}`,
      remedy: 'start the container with --gpus all on a machine with a GPU and the NVIDIA Container Toolkit',
    };
  if (driver !== null)
    return {
      found: `driver ${driver}, which shows no GPU`,
      remedy: 'run nvidia-smi to see whether the driver works; after an update, restart the machine',
    };
  return { found: 'no NVIDIA driver', remedy: "install NVIDIA's driver (nvidia-smi shows whether it works)" };
}

/**
 * Why TensorFlow's CUDA build cannot use a GPU here, as far as this is known before trying; null if no reason is known.
 * One usable GPU is enough.
 */
export function problemOfSurvey(survey: GpuSurvey): GpuProblem | null {
  const { gpus, hidden, nvidiaSmi, nvidiaSmiMessage, deviceFiles, driver } = survey;
  if (hidden !== null)
    return { found: `CUDA_VISIBLE_DEVICES="${hidden}", which hides every GPU`, remedy: 'unset it' };
  if (gpus.length > 0) {
    const problems = gpus.map(problemOfGpu);
    return problems.includes(null) ? null : problems[0]!;
  }
  if (nvidiaSmi === 'fails')
    return {
      found: `an nvidia-smi that fails (${nvidiaSmiMessage})`,
      remedy: 'repair the driver; after an update, restart the machine',
    };
  // Device files without nvidia-smi: a container that may only compute. Only trying shows whether it works.
  if (nvidiaSmi === 'missing' && deviceFiles)
    return driver !== null && isOlderVersion(driver, MIN_DRIVER)
      ? { found: `driver ${driver}`, remedy: `install driver ${MIN_DRIVER} or newer` }
      : null;
  return problemOfDriver(survey);
}

/** Why TensorFlow found no GPU, by its own log, if the survey shows no reason. */
export function problemOfLog(lines: readonly string[], survey: GpuSurvey): GpuProblem {
  const log = lines.join('\n');
  const missing = [...log.matchAll(/dlerror: (lib[^:\s]+)/g)].map((match) => match[1]!);
  const missingFromWheels = missing.filter((name) => !/^lib(cuda|nvidia-ml)\.so/.test(name));
  if (missingFromWheels.length > 0)
    return {
      found: `${missingFromWheels.join(', ')} missing or damaged`,
      remedy: "delete TensorFlow's folder in the cache (npx gnr doctor shows where it is) and set up again",
    };
  if (missing.some((name) => name.startsWith('libcuda.so')))
    return hasDriver(survey) && !survey.wsl && !survey.container
      ? {
          found: 'a driver without its library libcuda.so.1',
          remedy: "install the driver's compute libraries (apt install libcuda1, or the whole driver again)",
        }
      : problemOfDriver(survey);
  if (/INSUFFICIENT_DRIVER|UNSUPPORTED_PTX|insufficient/i.test(log))
    return {
      found: `a driver that is too old (${survey.driver ?? 'version unknown'})`,
      remedy: 'update the driver',
    };
  return {
    found: 'a GPU that TensorFlow does not use',
    remedy: 'run npx gnr doctor for details',
  };
}
