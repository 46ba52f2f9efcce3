import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { contentOf, errorMessages, tinyTraining } from '../support/gnr.js';
import { noMpi, RankFolder } from '../support/mpi.js';

const ranks = RankFolder.prepare();

describe.skipIf(noMpi !== undefined)('two ranks', () => {
  const at = (...parts: string[]): string => join(ranks.folder, ...parts);

  beforeAll(async () => {
    const { config } = await tinyTraining(ranks.folder);
    const { status, stderr } = await ranks.gnr(1, [
      ...['train', '--config', config, '--out', at('run'), '--steps', '1'],
    ]);
    expect(status, stderr).toBe(0);
    // Three batches of eight at most: one rank gets the first and the last.
    await drawSampleDataset({ dir: at('more'), images: 6, testImages: 19, size: 32 });
    await writeFile(at('more', 'testA', '00009.png'), 'no image');
  });

  /** What a translation prints and writes, without the name of its folder. */
  async function translated(size: number, out: string, more: readonly string[]) {
    const { status, stdout, stderr } = await ranks.gnr(size, [
      ...['translate', at('more', 'testA'), '--checkpoint', at('run'), '--out', at(out), '--styles', '2'],
      ...more,
    ]);
    const files = Object.entries(await contentOf(at(out)));
    return {
      status,
      printed: stdout.replaceAll(at(out), ''),
      messages: errorMessages(stderr),
      files: Object.fromEntries(files.map(([file, content]) => [basename(file), content])),
    };
  }

  test.for([
    ['files', [], 36],
    ['a grid', ['--grid'], 1],
  ] as const)(
    'write %s, and print, what one process does, and report an unreadable image once',
    async ([name, more, count]) => {
      const one = await translated(1, `one ${name}`, more);
      const two = await translated(2, `two ${name}`, more);
      expect(Object.keys(one.files)).toHaveLength(count);
      expect(one.status).toBe(2);
      expect(one.messages).toHaveLength(2);
      expect(one.messages[0]).toContain('00009.png');
      expect(two).toEqual(one);
    },
  );
});
