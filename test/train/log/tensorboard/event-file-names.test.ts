import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { EventFile } from '../../../../src/train/log/tensorboard/event-file.js';

vi.mock(import('node:fs/promises'), async (original) => {
  const fs = await original();
  const names = Array.from({ length: 300_000 }, (_, i) => `events.out.tfevents.${1_700_000_000 + i}.gnr`);
  return { ...fs, readdir: (async () => names) as unknown as typeof fs.readdir };
});

it('an event file sorts after those of a folder with hundreds of thousands', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gnr-events-'));
  try {
    const file = await EventFile.open(dir, { step: 0, now: () => 1_600_000_000 });
    await file.close();
    expect(basename(file.path)).toBe('events.out.tfevents.1700300000.gnr');
  } finally {
    await rm(dir, { recursive: true });
  }
});
