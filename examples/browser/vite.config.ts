// Builds the example page.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    target: 'es2022',
    // The default compression breaks the workers of tfjs's threaded WASM, which are made from the text of a function.
    rolldownOptions: { output: { minify: { compress: false, mangle: true, codegen: true } } },
  },
});
