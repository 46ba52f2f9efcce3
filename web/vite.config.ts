import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  // Relative addresses: the folder works wherever it is published.
  base: './',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy allows no data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    license: { fileName: 'licences.md' },
    rolldownOptions: {
      // The default compression breaks the workers of tfjs's threaded WASM, which are made from the text of a function.
      output: { minify: { compress: false, mangle: true, codegen: true } },
    },
  },
  worker: {
    format: 'es',
    rolldownOptions: { output: { minify: { compress: false, mangle: true, codegen: true } } },
  },
});
