// Builds the page, with the licences of the packages in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'vite';

interface Manifest {
  name: string;
  version: string;
  license?: string;
}

/** Licence texts for packages that name a licence without including it. */
const TEXTS: Readonly<Record<string, string>> = { 'Apache-2.0': 'node_modules/typescript/LICENSE.txt' };
const LICENCE_FILES = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'LICENCE'];

/** Folders of the packages in the bundles of page and worker. */
const packages = new Set<string>();

function textOf(folder: string, { license = '' }: Manifest): string {
  for (const path of [...LICENCE_FILES.map((name) => join(folder, name)), TEXTS[license] ?? '']) {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      // The next name.
    }
  }
  return `Licence: ${license}`;
}

/** Records the packages of a bundle. */
function notePackages(): Plugin {
  return {
    name: 'note-packages',
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle))
        if (chunk.type === 'chunk')
          for (const id of chunk.moduleIds) {
            const folder = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
            if (folder !== undefined) packages.add(folder);
          }
    },
  };
}

/** Writes licences.txt. The worker's bundle is complete by then, because it is built within the page's. */
function writeLicences(): Plugin {
  return {
    name: 'write-licences',
    generateBundle() {
      const sections = [...packages].sort().map((folder) => {
        const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
        return `${manifest.name} ${manifest.version} (${manifest.license})\n\n${textOf(folder, manifest)}`;
      });
      const source = `This page is built with:\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source });
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses let the folder be published anywhere.
  base: './',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      // The default compression breaks the workers of tfjs's threaded WASM, which are created from the text of a function.
      output: { minify: { compress: false, mangle: true, codegen: true } },
    },
  },
  plugins: [notePackages(), writeLicences()],
  worker: {
    plugins: () => [notePackages()],
    format: 'es',
    rolldownOptions: { output: { minify: { compress: false, mangle: true, codegen: true } } },
  },
});
