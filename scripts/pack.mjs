// Packs the package for npm: node scripts/pack.mjs [CHECKOUT] [DESTINATION]. `npm run package` builds, and then calls it.
//
// The package brings copies of the engine's packages without their install scripts: npm would run that of
// @tensorflow/tfjs-node-gpu, which fetches another TensorFlow, and no package can forbid that to the project that installs it.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [checkout = ROOT, destination = process.cwd()] = process.argv
  .slice(2)
  .map((name) => path.resolve(name));

/** The bundled packages, and their files that the engine runs or is compiled from. */
const BUNDLED = {
  '@tensorflow/tfjs-node-gpu': /^(README\.md|binding\/.*|dist\/(?!run_tests)(?!.*_test\.js).*\.js)$/,
  // It joins packages that Node loads one by one; the rest of its 140 MB are builds for browsers.
  '@tensorflow/tfjs': /^(README\.md|dist\/tf\.node\.js)$/,
};
/** The fields of their manifests that npm, Node and the engine read. */
const FIELDS = ['name', 'version', 'description', 'repository', 'license', 'main', 'binary'];
const NOTICE =
  'Changed for gans-n-roses: this copy has only the files that it needs, and this file only the fields; it has no install script.';
/** A package with the text of the Apache License 2.0, which the bundled ones are under but do not contain. */
const LICENSED = 'long';

const require = createRequire(import.meta.url);
const folderOf = (name) => path.dirname(require.resolve(`${name}/package.json`));
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));
const writeJson = (file, value) => fs.writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);

/** The packages that a CommonJS file requires. */
function requiredPackages(file) {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  const code = lines.filter((line) => !/^\s*(\/\/|\/?\*)/.test(line)).join('\n');
  const names = [...code.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)].map(([, name]) => name);
  return names
    .filter((name) => !name.startsWith('.') && !isBuiltin(name))
    .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)[0]);
}

/** Copies a package into a folder of packages. @returns what it requires, with versions: the dependencies of its copy. */
function bundle(name, packages) {
  const source = folderOf(name);
  const target = path.join(packages, name);
  const manifest = readJson(path.join(source, 'package.json'));
  const files = fs.readdirSync(source, { recursive: true }).filter((file) => BUNDLED[name].test(file));
  for (const file of files) {
    // The pattern takes folders, too.
    if (fs.statSync(path.join(source, file)).isFile())
      fs.cpSync(path.join(source, file), path.join(target, file));
  }
  const kept = Object.fromEntries(FIELDS.filter((key) => key in manifest).map((key) => [key, manifest[key]]));
  writeJson(path.join(target, 'package.json'), { '//': NOTICE, ...kept });
  fs.copyFileSync(path.join(folderOf(LICENSED), 'LICENSE'), path.join(target, 'LICENSE'));

  const programs = files.filter((file) => file.endsWith('.js'));
  const required = new Set(programs.flatMap((file) => requiredPackages(path.join(source, file))));
  const installed = (of) => readJson(path.join(folderOf(of), 'package.json')).version;
  // tfjs requires a package that only its own dependencies name.
  return Object.fromEntries([...required].map((of) => [of, manifest.dependencies?.[of] ?? installed(of)]));
}

/**
 * The manifest of the package: without what concerns the checkout, and with the dependencies of the bundled packages. A backend
 * that is among those stays an optional peer too, which bundlers of pages may leave out.
 */
function publishedManifest(manifest, bundled) {
  const { private: _, scripts: __, devDependencies: ___, overrides: ____, ...published } = manifest;
  const dependencies = { ...bundled, ...manifest.dependencies };
  return {
    ...published,
    dependencies: Object.fromEntries(Object.entries(dependencies).sort(([a], [b]) => (a < b ? -1 : 1))),
    bundleDependencies: Object.keys(BUNDLED),
  };
}

const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'gnr-pack-'));
try {
  const manifest = readJson(path.join(checkout, 'package.json'));
  const parts = manifest.files.filter((name) => !name.startsWith('!'));
  for (const name of ['README.md', 'LICENSE', ...parts])
    fs.cpSync(path.join(checkout, name), path.join(stage, name), { recursive: true });
  const packages = path.join(stage, 'node_modules');
  const dependencies = Object.keys(BUNDLED).map((name) => bundle(name, packages));
  writeJson(
    path.join(stage, 'package.json'),
    publishedManifest(manifest, Object.assign({}, ...dependencies)),
  );
  const words = ['pack', '--ignore-scripts', '--pack-destination', destination];
  process.exitCode = spawnSync('npm', words, { cwd: stage, stdio: 'inherit' }).status ?? 1;
} finally {
  fs.rmSync(stage, { recursive: true, force: true });
}
