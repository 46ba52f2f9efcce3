import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { bindingDirectory, findPackages, installedStamp } from '../../src/runtime/libtensorflow/installed.js';
import type { Device } from '../../src/runtime/libtensorflow/wheels.js';

const SCRIPT = path.resolve(import.meta.dirname, '..', '..', 'scripts', 'registered_kernels.py');
const LARGEST_LIST = 64 * 2 ** 20;

/** The kernels of the installed library, as a serialized `KernelList`, and the device that it is built for. */
export async function installedKernels(): Promise<{ bytes: Uint8Array; device: Device }> {
  const packages = await findPackages();
  const stamp = await installedStamp(packages);
  if (stamp === undefined) throw new Error(`no library is installed at ${bindingDirectory(packages)}`);
  const library = path.join(stamp.libraries, 'libtensorflow_cc.so.2');
  const bytes = execFileSync(process.env.PYTHON ?? 'python3', [SCRIPT, library], {
    maxBuffer: LARGEST_LIST,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { bytes, device: stamp.device };
}
