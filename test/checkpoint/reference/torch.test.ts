import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gnr } from '../../support/gnr.js';
import { REFERENCE_DIR } from '../../support/reference.js';

/** A Python with PyTorch, and (optional) a folder with the reference's sources, MAIN and TRAIN in folders of these names. */
const { GNR_TORCH_PYTHON: python, GNR_REFERENCE_SOURCES: sources } = process.env;
const LIMIT_MILLISECONDS = 120_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-torch-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(!python)('PyTorch', () => {
  it.each(['main', 'train'])(
    'loads what was exported of variant %s, strictly, and finds it equal to what was imported',
    async (variant) => {
      const official = join(REFERENCE_DIR, `checkpoint-${variant}.pt`);
      const [run, file] = [join(folder, variant), join(folder, `${variant}.pt`)];
      expect(await gnr('import', official, '--out', run)).toMatchObject({ code: 0 });
      expect(await gnr('export', '--format', 'pt', '--checkpoint', run, '--out', file)).toMatchObject({
        code: 0,
      });
      const reference = sources ? ['--reference', join(sources, variant)] : [];
      const { stdout } = await promisify(execFile)(python!, [
        'scripts/check_torch_export.py',
        file,
        ...['--same-as', official],
        ...reference,
      ]);
      expect(stdout).toContain('equal bit for bit');
      if (sources) expect(stdout).toContain("strictly into the reference's");
    },
    LIMIT_MILLISECONDS,
  );
});
