// What `gnr doctor` says about MPI: its version, the addon for it, and whether two ranks find each other.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { lastLines, runProgram } from '../../base/run-program.js';
import { bindingDirectory, findPackages, readStamp } from '../../setup/installed.js';
import type { OptionalPart } from './doctor-report.js';

const USE = 'training with several processes';
/** The ranks of the self-test print this. */
const PASSED = 'two ranks agree';
const INSTALL = 'apt install openmpi-bin libopenmpi-dev, then run npx gnr setup';

/** Two ranks add their numbers by the addon. @returns undefined if that works, else why not. */
async function selfTest(): Promise<string | undefined> {
  const module = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../distributed/with-world.js');
  const script = `
    const { withWorld } = await import(${JSON.stringify(module)});
    await withWorld(async (world) => {
      const [sum] = await world.sum(Float64Array.of(world.rank + 1));
      if (world.isFirst && world.size === 2 && sum === 3) console.log(${JSON.stringify(PASSED)});
    });`;
  const options = ['--allow-run-as-root', '--oversubscribe', '-n', '2'];
  const { code, stdout, stderr } = await runProgram('mpirun', [
    ...options,
    process.execPath,
    '--input-type=module',
    '-e',
    script,
  ]);
  if (code === 0 && stdout.includes(PASSED)) return undefined;
  return lastLines(stderr, 1) || `exit code ${code}`;
}

/** Examines mpirun and the addon, and lets two ranks add two numbers. */
export async function mpiPart(): Promise<OptionalPart> {
  const { code, stdout } = await runProgram('mpirun', ['--version']);
  if (code !== 0) return { name: 'MPI', use: USE, found: null, remedy: INSTALL };
  const version =
    /\(Open MPI\) [\d.]+\S*/.exec(stdout)?.[0].replace(/[()]/g, '') ?? stdout.split('\n', 1)[0]!;
  const found = (state: string, remedy: string | null): OptionalPart => ({
    name: 'MPI',
    use: USE,
    found: `${version}, ${state}`,
    remedy,
  });
  const packages = await findPackages().catch(() => undefined);
  const stamp = packages && (await readStamp(bindingDirectory(packages)));
  if (!stamp?.mpi)
    return found(
      'but no addon for it: gnr setup has found no headers',
      'apt install libopenmpi-dev, then run npx gnr setup',
    );
  const problem = await selfTest();
  if (problem === undefined) return found(`addon built for ${stamp.mpi}, two ranks find each other`, null);
  return found(
    `addon built for ${stamp.mpi}, but two ranks fail: ${problem}`,
    'run npx gnr setup; if that does not help, check that mpirun -n 2 hostname works',
  );
}
