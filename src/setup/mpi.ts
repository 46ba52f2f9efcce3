// Finds Open MPI and what its compiler wrapper says about building with it.
import { runProgram } from '../base/run-program.js';

/** An Open MPI whose headers are installed. */
export interface Mpi {
  /** Such as `Open MPI 4.1.4`. */
  version: string;
  compilerArguments: string[];
  linkerArguments: string[];
}

/**
 * Asks the compiler wrapper `mpicc`, or the one that MPICC names, for Open MPI's version and flags.
 *
 * @returns undefined if there is none, or it belongs to another MPI.
 */
export async function findMpi(env: NodeJS.ProcessEnv): Promise<Mpi | undefined> {
  const ask = async (what: string): Promise<string | undefined> => {
    const { code, stdout, stderr } = await runProgram(env.MPICC?.trim() || 'mpicc', [`--showme:${what}`], {
      env,
    });
    // The version goes to either stream, depending on the version.
    return code === 0 ? `${stdout}${stderr}`.trim() : undefined;
  };
  const version = /Open MPI [\d.]+\S*/.exec((await ask('version')) ?? '')?.[0];
  const compile = await ask('compile');
  const link = await ask('link');
  if (version === undefined || compile === undefined || link === undefined) return undefined;
  const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);
  return { version, compilerArguments: words(compile), linkerArguments: words(link) };
}
