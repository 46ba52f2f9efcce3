// A Vite project that has installed the package.
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'vite';
import { readPage } from '../../src/serve/page.js';
import type { ServedFile } from '../../src/serve/served-file.js';
import { type RunningServer, startServer } from '../../src/serve/server.js';
import type * as webLibrary from '../../src/web.js';
import { installPackage, type Packed } from './package.js';

/** The packages of a page with one backend. */
const INSTALLED = [
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-backend-wasm',
  '@vladmandic/face-api',
  'zod',
  'vite',
];

const LIBRARY = `
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import * as library from 'gans-n-roses/web';
const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
};
`;

/** Makes the library global, so that tests can call it, and starts a worker that translates. */
const PROBE = `${LIBRARY}
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
Object.assign(globalThis, { library, wasmPaths, worker });
`;

const WORKER = `${LIBRARY}
onmessage = async ({ data: { address, image, seed } }) => {
  const model = await library.loadModel(address, { backend: 'wasm', wasmPaths });
  postMessage(await library.translate(model, image, { seed }));
};
`;

/** See the example's config. */
const PLAIN_WORKER = {
  format: 'es',
  rolldownOptions: { output: { minify: { compress: false, mangle: true, codegen: true } } },
} as const;

declare global {
  // Set by PROBE.
  var library: typeof webLibrary;
  var wasmPaths: Record<string, string>;
  var worker: Worker;
}

/** A project that has installed the package from its tarball, and builds pages with Vite. */
export class WebProject {
  /** Modules of the project's bundles. */
  readonly modules = new Set<string>();
  /** Imports of the package's own modules. */
  readonly imported = new Set<string>();

  private constructor(private readonly dir: string) {}

  static async install(dir: string, packed: Packed): Promise<WebProject> {
    await installPackage(packed, dir, INSTALLED);
    return new WebProject(dir);
  }

  /** The example for browsers, with a model beside it. */
  serveExample(model: readonly ServedFile[]): Promise<RunningServer> {
    return this.serve('example', model);
  }

  /** A page whose globals are those of PROBE, with a model beside it. */
  serveProbe(model: readonly ServedFile[]): Promise<RunningServer> {
    return this.serve('probe', model, { 'main.ts': PROBE, 'worker.ts': WORKER });
  }

  private async serve(
    name: string,
    model: readonly ServedFile[],
    scripts: Readonly<Record<string, string>> = {},
  ): Promise<RunningServer> {
    const root = join(this.dir, name);
    await cp('examples/browser', root, { recursive: true });
    for (const [file, text] of Object.entries(scripts)) await writeFile(join(root, file), text);
    await build({
      configFile: join(root, 'vite.config.ts'),
      logLevel: 'error',
      plugins: [this.notes()],
      worker: PLAIN_WORKER,
    });
    const files = [...(await readPage(join(root, 'dist'))), ...model];
    return startServer({ files, host: '127.0.0.1', port: 0 });
  }

  private notes(): Plugin {
    const { modules, imported } = this;
    return {
      name: 'note-modules',
      enforce: 'pre',
      resolveId(source, importer) {
        // Vite's own helpers start with a zero.
        if (importer?.includes('/gans-n-roses/dist/') && !source.startsWith('\0')) imported.add(source);
      },
      generateBundle(_, bundle) {
        for (const chunk of Object.values(bundle))
          if (chunk.type === 'chunk') for (const id of chunk.moduleIds) modules.add(id);
      },
    };
  }
}
