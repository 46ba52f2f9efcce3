import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/data/decode.js';
import { loadModel, translate } from '../../src/index.js';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { installPackage, type Packed, packPackage, runNode } from '../support/package.js';

let folder = '';
let project = '';
let packed: Packed;

interface Manifest {
  private: boolean;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
  devDependencies: Record<string, string>;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-package-'));
  packed = await packPackage(folder);
  project = join(folder, 'project');
  const { dependencies, bundleDependencies } = packed.manifest;
  const others = Object.keys(dependencies).filter((name) => !bundleDependencies.includes(name));
  await installPackage(packed, project, others);
  await runNode(project, 'node_modules/gans-n-roses/bin/gnr.mjs', 'setup');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('contains programs, types, configs and models, and no sources, tests or maps', () => {
    const kinds = [
      /^dist\/.*(?<!\.test)\.js$/,
      /^dist\/.*\.d\.ts$/,
      /^(bin|configs|models|native|examples\/photos)\//,
    ];
    const single = ['package.json', 'README.md', 'LICENSE'];
    const own = packed.files.filter((file) => !file.startsWith('node_modules/'));
    const others = own.filter((file) => !kinds.some((kind) => kind.test(file)));
    expect(others.sort()).toEqual(single.sort());
    expect(packed.files).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/web.js',
        'dist/web.d.ts',
        'bin/gnr.mjs',
      ]),
    );
  });

  it('has no program that names a source map', async () => {
    // A comment that names a map which is not there makes bundlers warn.
    for (const file of packed.files.filter((name) => /^(?!node_modules\/).*\.js$/.test(name)))
      expect(await readFile(join(packed.dir, file), 'utf8'), file).not.toContain('sourceMappingURL');
  });

  it('brings the engine packages without scripts, sources of TypeScript and tests, but with their licence', async () => {
    const { dependencies, bundleDependencies } = packed.manifest;
    expect(bundleDependencies).toEqual(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs']);
    for (const name of bundleDependencies) {
      const folder = join('node_modules', name);
      const bundled = packed.files.filter((file) => file.startsWith(`${folder}/`));
      const kinds = /\/(package\.json|README\.md|LICENSE|binding\/\w+\.(cc|h)|dist\/.*(?<!_test)\.js)$/;
      expect(bundled.filter((file) => !kinds.test(file))).toEqual([]);
      const text = await readFile(join(packed.dir, folder, 'package.json'), 'utf8');
      const manifest = JSON.parse(text) as Record<string, unknown>;
      expect(manifest).toMatchObject({ name, version: dependencies[name], license: 'Apache-2.0' });
      expect(manifest['//']).toMatch(/^Changed for gans-n-roses/);
      // With `gypfile`, or a binding.gyp, npm would run node-gyp.
      for (const key of ['scripts', 'dependencies', 'gypfile']) expect(manifest).not.toHaveProperty(key);
      expect(await readFile(join(packed.dir, folder, 'LICENSE'), 'utf8')).toContain('Apache License');
    }
  });

  it('depends on what the bundled packages require, in the versions that they name', async () => {
    const { dependencies: own, peerDependencies: peers } = JSON.parse(
      await readFile('package.json', 'utf8'),
    ) as Manifest;
    const { dependencies, peerDependencies, scripts } = packed.manifest;
    const added = Object.entries(dependencies).filter(([name]) => !(name in own));
    expect(Object.fromEntries(added)).toEqual({
      '@mapbox/node-pre-gyp': '1.0.9',
      '@tensorflow/tfjs': '4.22.0',
      '@tensorflow/tfjs-backend-cpu': '4.22.0',
      '@tensorflow/tfjs-backend-webgl': '4.22.0',
      '@tensorflow/tfjs-converter': '4.22.0',
      '@tensorflow/tfjs-data': '4.22.0',
      '@tensorflow/tfjs-layers': '4.22.0',
      'google-protobuf': '^3.9.2',
      long: '4.0.0',
      progress: '^2.0.0',
    });
    expect(dependencies).toMatchObject(own);
    expect(peerDependencies).toEqual(peers);
    expect(scripts).toBeUndefined();
  });

  it('is made by npm run package alone: the checkout itself cannot be published', async () => {
    expect((JSON.parse(await readFile('package.json', 'utf8')) as Manifest).private).toBe(true);
    expect(packed.manifest).not.toHaveProperty('private');
  });

  it('has the browser backends as optional peers, in the tested versions', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
    const { peerDependencies, peerDependenciesMeta, devDependencies, dependencies } = manifest;
    expect(Object.keys(peerDependenciesMeta).sort()).toEqual(Object.keys(peerDependencies).sort());
    for (const [name, version] of Object.entries(peerDependencies)) {
      expect(version).toBe(devDependencies[name]);
      expect(version).toBe(dependencies['@tensorflow/tfjs-core']);
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    }
  });

  it('has documentation that names the tested version of the WASM backend', async () => {
    const { peerDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
    const [, version] = /npm install .*@tensorflow\/tfjs-backend-wasm@([\d.]+)`/.exec(
      await readFile('docs/library.md', 'utf8'),
    )!;
    expect(version).toBe(peerDependencies['@tensorflow/tfjs-backend-wasm']);
  });

  it('passes publint', async () => {
    const { buffer, byteOffset, byteLength } = packed.tarball;
    const tarball = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    const { messages } = await publint({ pack: { tarball }, strict: true });
    expect(messages).toEqual([]);
  });

  it('passes arethetypeswrong', async () => {
    const result = await checkPackage(createPackageFromTarballData(new Uint8Array(packed.tarball)));
    if (!result.types) expect.unreachable('has no types');
    expect(Object.keys(result.entrypoints)).toEqual(['.', './web', './package.json']);
    // The package is of ES modules alone: `require` gets them, as every Node that it runs on can. The resolution of Node 10
    // knows no `exports`; no such Node can run it, and TypeScript 6 has deprecated it.
    const problems = result.problems.filter((problem) => {
      if (problem.kind === 'CJSResolvesToESM') return false;
      return !(problem.kind === 'NoResolution' && problem.resolutionKind === 'node10');
    });
    expect(problems).toEqual([]);
  });
});

/** What TypeScript says of modules in the project. */
async function diagnosticsOf(options: ts.CompilerOptions, ...texts: string[]): Promise<string[]> {
  const files = texts.map((_, i) => join(project, `consumer-${i}.mts`));
  await Promise.all(files.map((file, i) => writeFile(file, texts[i]!)));
  const program = ts.createProgram(files, {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    skipLibCheck: false,
    types: [],
    ...options,
  });
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const NODE_NEXT = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
const BUNDLER = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const PAGE_LIBRARIES = ['lib.es2023.d.ts', 'lib.dom.d.ts'];
const RESOLUTIONS: [string, ts.CompilerOptions][] = [
  ['nodenext', NODE_NEXT],
  ['bundler', BUNDLER],
];

describe('the types of the package', () => {
  it.each(RESOLUTIONS)(
    'check in programs for Node, without the types of browsers or Node itself (%s)',
    async (_, options) => {
      const text = `
      import { InputError, loadModel, type DecodedImage, saveImage, translate } from 'gans-n-roses';
      const model = await loadModel('runs/first', { batch: 1 });
      const [first] = await translate(model, new Uint8Array(3), { styles: 2, seed: 1, direction: 'B2A' });
      const image: DecodedImage = first!.image;
      await saveImage(image, 'out.png', { style: [...first!.style] });
      model.dispose();
      const remedy: string = new InputError({ expected: 'a', found: 'b', remedy: 'c' }).details.remedy;
      // @ts-expect-error no image
      translate(model, { width: 1 });
      export { remedy };`;
      const diagnostics = await diagnosticsOf({ ...options, lib: ['lib.es2023.d.ts'] }, text);
      expect(diagnostics).toEqual([]);
    },
  );

  it.each(RESOLUTIONS)('check in pages, without the types of Node (%s)', async (_, options) => {
    const text = `
      import { type Model, loadModel, translate } from 'gans-n-roses/web';
      const model: Model = await loadModel('model/', {
        backend: 'webgl',
        signal: AbortSignal.timeout(1000),
        onProgress: (progress) => {
          const done: number = progress.phase === 'weights' ? progress.doneBytes : 0;
          return done;
        },
      });
      await loadModel(document.querySelector('input')!.files!);
      await loadModel({ 'config.json': new Blob(), 'model.safetensors': new Blob() });
      await loadModel(new Map([['bundle.json', new Blob()]]), { backend: undefined });
      const [first] = await translate(model, document.querySelector('img')!, { styles: 2, seed: 1 });
      document.querySelector('canvas')!.getContext('2d')!.putImageData(first!.image, 0, 0);
      await translate(model, new Blob(), { styles: [first!.style], styleOf: new ImageData(1, 1) });
      // @ts-expect-error a path
      translate(model, 'me.jpg');
      // @ts-expect-error no backend of browsers
      loadModel('model/', { backend: 'tensorflow' });`;
    const diagnostics = await diagnosticsOf({ ...options, lib: PAGE_LIBRARIES }, text);
    expect(diagnostics).toEqual([]);
  });

  it('check in the examples of the documentation', async () => {
    const documented = [
      'images/library',
      'browser/web-library',
      'data/decode',
      'eval/evaluate',
      'export/export-model',
      'video/translate-video-file',
    ];
    const texts = await Promise.all(
      documented.map((name) => readFile(join(packed.dir, 'dist', `${name}.d.ts`), 'utf8')),
    );
    const examples = [...texts.join('\n').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) =>
      code!.replaceAll(/^ *\* ?/gm, ''),
    );
    expect(examples).toHaveLength(8);
    expect(await diagnosticsOf({ ...NODE_NEXT, lib: PAGE_LIBRARIES }, ...examples)).toEqual([]);
  });

  it('check in the example for browsers', async () => {
    await cp('examples/browser', join(project, 'page'), { recursive: true });
    const text = await readFile('examples/browser/main.ts', 'utf8');
    const reference = `/// <reference path="./page/assets.d.ts" />\n`;
    const options = { ...BUNDLER, lib: PAGE_LIBRARIES };
    expect(await diagnosticsOf(options, reference + text)).toEqual([]);
  });
});

describe('the package in an empty project', () => {
  it('runs the example for Node, with the images of the library', async () => {
    await drawSampleDataset({ dir: join(folder, 'data'), images: 1, testImages: 1, size: 64 });
    const photo = join(folder, 'data', 'testA', '00000.png');
    await cp('examples/node/translate.mjs', join(project, 'translate.mjs'));
    const output = await runNode(project, 'translate.mjs', photo, 'out');
    expect(output.trim().split('\n')).toEqual([1, 2, 3].map((i) => join('out', `style-${i}.png`)));
    const model = await loadModel('models/sample');
    const expected = await translate(model, photo, { styles: 3, seed: 1 });
    model.dispose();
    for (const [i, { image }] of expected.entries())
      expect(await decodeImage(join(project, 'out', `style-${i + 1}.png`))).toEqual(image);
  });

  it('runs the example for Node, which reports errors with exit code 2', async () => {
    const failure: unknown = await runNode(project, 'translate.mjs', 'nothing.jpg', 'out').catch(
      (error) => error,
    );
    const { code, stderr } = failure as { code: number; stderr: string };
    // The CUDA build without a GPU says so by itself, in lines that begin with their level and date.
    const lines = stderr.split('\n').filter((line) => !/^[IWE]\d{4} |^WARNING: All log/.test(line));
    expect([code, lines]).toEqual([
      2,
      ['Expected an image at nothing.jpg but found nothing; check the path.', ''],
    ]);
  });

  it('runs its command gnr', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(await runNode(project, 'node_modules/gans-n-roses/bin/gnr.mjs', '--version')).toContain(version);
  });
});
