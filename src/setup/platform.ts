// Checks that TensorFlow supports this platform, and chooses its CPU or GPU build.
import { InputError } from '../base/errors.js';
import { type GpuProblem, type GpuSurvey, isOlderVersion, problemOfSurvey } from './gpus.js';
import type { Architecture, Device } from './wheels.js';

/** The build that the user asks for. */
export type DeviceChoice = 'auto' | Device;

export interface Platform {
  system: string;
  architecture: string;
  /** Version of the GNU C library; undefined if the system has another one, as Alpine has musl. */
  glibc: string | undefined;
}

const MIN_GLIBC = '2.27';

/** The machine that this process runs on. */
export function thisPlatform(): Platform {
  return { system: process.platform, architecture: process.arch, glibc: glibcVersion() };
}

function glibcVersion(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Without this the report looks up the names of all network addresses, which can take seconds.
  const report = process.report as typeof process.report & { excludeNetwork?: boolean };
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}

/**
 * The architecture of a platform for which TensorFlow publishes libraries.
 * @throws InputError on any other system, processor or C library.
 */
export function supportedArchitecture(platform: Platform): Architecture {
  const { system, architecture, glibc } = platform;
  const expected = `Linux on x64 or arm64 with the GNU C library ${MIN_GLIBC} or newer`;
  const remedy = 'use such a machine: WSL 2 on Windows, or a Linux container on macOS';
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
  if (isOlderVersion(glibc, MIN_GLIBC)) {
    throw new InputError({ expected, found: `glibc ${glibc}`, remedy: 'use a newer distribution' });
  }
  return architecture;
}

export interface DeviceDecision {
  device: Device;
  /** Why `auto` does not use the GPUs that exist; null if it does, or there are none. */
  skippedGpu: GpuProblem | null;
}

/**
 * Resolves `auto` to the GPU build if nvidia-smi shows a GPU that it can use, else to the CPU build.
 * @param survey the GPUs of the machine; only `auto` needs it.
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
  if (choice !== 'auto') return { device: choice, skippedGpu: null };
  if (architecture !== 'x64' || !survey || survey.gpus.length === 0)
    return { device: 'cpu', skippedGpu: null };
  const problem = problemOfSurvey(survey);
  return problem === null ? { device: 'gpu', skippedGpu: null } : { device: 'cpu', skippedGpu: problem };
}
