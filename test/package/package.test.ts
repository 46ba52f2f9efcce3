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
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional?: boolean }>;
  devDependencies: Record<string, string>;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-package-'));
  packed = await packPackage(folder);
  project = join(folder, 'project');
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
  await installPackage(packed, project, Object.keys(dependencies));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the package', () => {
  it('the package contains what is needed, and no sources, tests or maps', async () => {
    const kinds = [/^dist\/.*(?<!\.test)\.js$/, /^dist\/.*\.d\.ts$/, /^(bin|configs|models)\//];
    const single = ['package.json', 'README.md', 'LICENSE'];
    const others = packed.files.filter((file) => !kinds.some((kind) => kind.test(file)));
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
    // A comment that names a map which is not there makes bundlers warn.
    for (const file of packed.files.filter((name) => name.endsWith('.js')))
      expect(await readFile(join(packed.dir, file), 'utf8'), file).not.toContain('sourceMappingURL');
  });

  it('the package has the browser backends as optional peers, in the tested versions', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as Manifest;
    const { peerDependencies, peerDependenciesMeta, devDependencies, dependencies } = manifest;
    expect(Object.keys(peerDependenciesMeta).sort()).toEqual(Object.keys(peerDependencies).sort());
    for (const [name, version] of Object.entries(peerDependencies)) {
      expect(version).toBe(devDependencies[name]);
      expect(version).toBe(dependencies['@tensorflow/tfjs-core']);
      expect(peerDependenciesMeta[name]).toEqual({ optional: true });
    }
    const [, told] = /npm install .*@tensorflow\/tfjs-backend-wasm@([\d.]+)`/.exec(
      await readFile('docs/library.md', 'utf8'),
    )!;
    expect(told).toBe(peerDependencies['@tensorflow/tfjs-backend-wasm']);
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

describe('its types', () => {
  it.each(RESOLUTIONS)(
    'serve programs in Node, without those of browsers or Node itself (%s)',
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

  it.each(RESOLUTIONS)('the types work in pages, without those of Node (%s)', async (_, options) => {
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

  it('the examples in the documentation type-check', async () => {
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

  it('the example for browsers type-checks', async () => {
    await cp('examples/browser', join(project, 'page'), { recursive: true });
    const text = await readFile('examples/browser/main.ts', 'utf8');
    const reference = `/// <reference path="./page/assets.d.ts" />\n`;
    const options = { ...BUNDLER, lib: PAGE_LIBRARIES };
    expect(await diagnosticsOf(options, reference + text)).toEqual([]);
  });
});

describe('in an empty project', () => {
  it('the example for Node translates', async () => {
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

  it('the example for Node reports errors', async () => {
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

  it('the command runs', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(await runNode(project, 'node_modules/gans-n-roses/bin/gnr.mjs', '--version')).toContain(version);
  });
});
