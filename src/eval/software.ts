// Versions and machine, for receipts.
import { createRequire } from 'node:module';
import os from 'node:os';
import sharp from 'sharp';
import { computeFacts } from '../runtime/compute-facts.js';
import type { EngineInfo } from '../runtime/node.js';

/** Returns versions and machine by name. */
export function softwareFacts(engine: EngineInfo): Record<string, string> {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
  const { sharp: sharpVersion, vips } = sharp.versions as Record<string, string>;
  return {
    'gans-n-roses': version,
    node: process.versions.node,
    tfjs: engine.tfjsVersion,
    ...computeFacts(engine),
    sharp: `${sharpVersion ?? '?'} (libvips ${vips ?? '?'})`,
    system: `${os.type()} ${os.machine()}`,
    processor: os.cpus()[0]?.model ?? 'unknown',
  };
}
