#!/usr/bin/env node
// Starts the program, which is built into dist: a checkout builds it first where it is missing or older than the sources.
import { existsSync } from 'node:fs';
import process from 'node:process';

const sources = new URL('../src/cli/main.ts', import.meta.url);
const entry = new URL('../dist/cli/main.js', import.meta.url);

async function isBuilt() {
  if (!existsSync(sources)) return existsSync(entry);
  const { freshDist } = await import('../scripts/fresh-dist.mjs');
  return freshDist();
}

if (await isBuilt()) {
  await import(entry.href);
} else {
  process.stderr.write('gnr: Expected the built program in dist but found none; run npm ci.\n');
  process.exitCode = 2;
}
