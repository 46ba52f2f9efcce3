// Which platforms TensorFlow publishes libraries for, and which build this machine gets.
import { InputError } from '../base/errors.js';
import { type GpuProblem, type GpuSurvey, problemOfSurvey } from './gpus.js';
import type { Architecture, Device } from './wheels.js';

/** What the user may ask for. */
export type DeviceChoice = 'auto' | Device;

export interface Platform {
  system: string;
  architecture: string;
  /** Version of the GNU C library; undefined where the system has another one (Alpine's musl). */
  glibc: string | undefined;
}

const MIN_GLIBC = '2.27';

/** The machine that this process runs on. */
export function thisPlatform(): Platform {
  return { system: process.platform, architecture: process.arch, glibc: glibcVersion() };
}

function glibcVersion(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Without this the report asks for the names of every network address, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major < thanMajor || (major === thanMajor && minor < thanMinor);
}

/**
 * The processor, where TensorFlow publishes libraries for this platform.
 * @throws InputError on any other system, processor or C library.
 */
export function supportedArchitecture(platform: Platform): Architecture {
  const { system, architecture, glibc } = platform;
  const expected = `Linux on x64 or arm64 with the GNU C library ${MIN_GLIBC} or newer`;
  const remedy = 'use such a machine, on Windows WSL 2, on macOS a Linux container';
  if (system !== 'linux' || (architecture !== 'x64' && architecture !== 'arm64')) {
    throw new InputError({ expected, found: `${system} on ${architecture}`, remedy });
  }
  if (glibc === undefined) {
    throw new InputError({
      expected,
      found: 'another C library (musl, as on Alpine)',
      remedy: 'use a distribution with the GNU C library, such as Debian',
    });
  }
  if (isOlder(glibc, MIN_GLIBC)) {
    throw new InputError({ expected, found: `glibc ${glibc}`, remedy: 'use a newer distribution' });
  }
  return architecture;
}

export interface DeviceDecision {
  device: Device;
  /** Why `auto` passes over the GPUs that there are; null where it does not. */
  passedOver: GpuProblem | null;
}

/**
 * Resolves `auto` to the GPU build where nvidia-smi shows a GPU that it can use, else to the CPU build.
 * @param survey what GPUs there are; not looked at for `cpu`.
 * @throws InputError for `gpu` on a processor without such a build.
 */
export function chooseDevice(
  choice: DeviceChoice,
  architecture: Architecture,
  survey: GpuSurvey | undefined,
): DeviceDecision {
  if (choice === 'gpu' && architecture !== 'x64') {
    throw new InputError({
      expected: '--device gpu on an x64 processor',
      found: architecture,
      remedy: 'use --device cpu, the only build of TensorFlow for this processor',
    });
  }
  if (choice !== 'auto') return { device: choice, passedOver: null };
  if (architecture !== 'x64' || !survey || survey.gpus.length === 0)
    return { device: 'cpu', passedOver: null };
  const problem = problemOfSurvey(survey);
  return problem === null ? { device: 'gpu', passedOver: null } : { device: 'cpu', passedOver: problem };
}
