import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

// Where it names a file, the results go there as JSON too, for .ci/run to count.
const report = process.env.GNR_TEST_REPORT;

/** Machines differ: one of ours ran at a tenth of the usual speed. */
const LIMIT_MILLISECONDS = 20 * 60_000;

/**
 * Two workers share the machine, and idle threads of TensorFlow's pool spin: with one thread an operation, a file of training tests
 * takes 28 % less processor time on 2 cores than with TensorFlow's choice.
 */
const THREADS = { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '2' };

/** Tests of commands, pages and the packed program by their folders. */
const FOLDERS: Record<string, RegExp> = {
  cli: /^test\/(cli\/|docs\.)/,
  browser: /^test\/web\//,
  package: /^test\/package\//,
};
/** Words of a test that loads TensorFlow, by itself or through what it imports; set-up compiles, which takes as long. */
const ENGINE =
  /loadEngine|loadLandmarkFinder|RunFolders|support\/(gnr|mpi|preparation|runs|networks|recorded-step|exports|features|reference)\.js|faces\/detector|\/setup\//;

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.test.ts'));

function tierOf(file: string): string {
  const folder = Object.entries(FOLDERS).find(([, pattern]) => pattern.test(file));
  if (folder) return folder[0];
  return ENGINE.test(file) || ENGINE.test(readFileSync(file, 'utf8')) ? 'engine' : 'unit';
}

const TIERS = ['unit', 'engine', ...Object.keys(FOLDERS)];

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: LIMIT_MILLISECONDS,
    hookTimeout: LIMIT_MILLISECONDS,
    env: THREADS,
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report ? { outputFile: { json: report } } : {}),
    projects: TIERS.map((name) => ({
      extends: true as const,
      test: {
        name,
        include: files.filter((file) => tierOf(file) === name),
        // A test that loads TensorFlow after all fails here, and says where it belongs.
        ...(name === 'unit'
          ? { setupFiles: ['test/support/no-engine.ts'] }
          : { globalSetup: ['test/support/set-up-engine.ts'] }),
      },
    })),
  },
});
