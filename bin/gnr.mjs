#!/usr/bin/env node
// The command itself is built into dist; this file is there before that, for npm to link.
import { existsSync } from 'node:fs';
import process from 'node:process';

const entry = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(entry)) {
  await import(entry.href);
} else {
  process.stderr.write('gnr: Expected the built program in dist but found none; run npm ci.\n');
  process.exitCode = 2;
}
