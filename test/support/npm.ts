// Versions of npm, fetched from the registry.
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Without what npm tells the programs that it runs, which another npm would take for its own options. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/.test(name)),
);

/** Runs a version of npm (`npm@10`) in a folder. */
export function runNpm(
  npm: string,
  cwd: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ stdout: string; stderr: string }> {
  return run('npx', ['--yes', npm, ...words], { cwd, env: { ...ENV, ...env }, maxBuffer: 2 ** 26 });
}

async function canFetch(npm: string): Promise<boolean> {
  try {
    await runNpm(npm, tmpdir(), ['--version']);
    return true;
  } catch (error) {
    process.stderr.write(
      `The tests with ${npm} are skipped, because it cannot be fetched: ${String(error)}\n`,
    );
    return false;
  }
}

/** The versions of npm that are tested, and whether each can be fetched. */
export async function fetchedNpms(): Promise<[npm: string, isFetched: boolean][]> {
  const npms = ['npm@10', 'npm@11'];
  return Promise.all(npms.map(async (npm): Promise<[string, boolean]> => [npm, await canFetch(npm)]));
}
