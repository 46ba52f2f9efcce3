// Runs after `npm ci`: builds dist in a checkout, then provides TensorFlow's library and the addon.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const entry = path.join(root, 'dist', 'cli', 'main.js');

/** Runs Node on a script in the project's folder; ends this process with the script's exit code where it fails. */
function runNode(...args) {
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function compilerPath() {
  try {
    return createRequire(import.meta.url).resolve('typescript/bin/tsc');
  } catch {
    return undefined;
  }
}

const isCheckout = existsSync(path.join(root, 'src', 'cli', 'main.ts'));
// The first `npx gnr` in a checkout links it into npm's own cache, and npm runs this script again for the link.
if (isCheckout && process.env.npm_command === 'exec') process.exit(0);

const compiler = isCheckout ? compilerPath() : undefined;
if (compiler) runNode(compiler, '-p', path.join(root, 'tsconfig.build.json'));

if (process.env.GNR_SKIP_SETUP === '1') {
  process.stdout.write('gnr: GNR_SKIP_SETUP=1, so TensorFlow is not set up; npx gnr setup does it.\n');
} else if (existsSync(entry)) {
  const device = process.env.GNR_DEVICE;
  runNode(entry, 'setup', ...(device ? ['--device', device] : []));
} else {
  process.stderr.write(
    'gnr: no dist folder and no TypeScript to build it with; run npm ci with development packages.\n',
  );
  process.exit(2);
}
