import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { encodeImage } from '../../src/data/decode.js';
import { describeRecord, readRecord, type TranslationRecord } from '../../src/images/record.js';
import { randomStyles } from '../../src/translate/styles.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-record-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const image = { data: new Uint8Array(12), width: 2, height: 2 };
const write = async (description: Record<string, unknown>): Promise<string> => {
  const path = join(folder, 'a.png');
  await encodeImage(image, path, description);
  return path;
};

describe('the record of an image', () => {
  it('survives a round trip with every bit of its styles', async () => {
    const record: TranslationRecord = {
      model: 'ab'.repeat(32),
      direction: 'B2A',
      styles: randomStyles(40, 3, 8, 0.7),
    };
    const extreme = Float32Array.of(1e-38, -3.4e38, 1 / 3, 0);
    record.styles.push({ label: 'code-1', code: extreme });
    expect(await readRecord(await write({ ...describeRecord(record) }))).toEqual(record);
  });

  it.each([
    {},
    { madeBy: 'somebody else' },
    { ...describeRecord({ direction: 'A2B', styles: [] }) },
    { ...describeRecord({ direction: 'A2B', styles: randomStyles(1, 1, 2) }), direction: 'A2C' },
    { ...describeRecord({ direction: 'A2B', styles: [] }), styles: [{ label: 'x', code: ['1'] }] },
    { ...describeRecord({ direction: 'A2B', styles: [] }), styles: [{ label: 'x', code: [1e300] }] },
  ])('is rejected if the description has another form: %j', async (description) => {
    await expect(readRecord(await write(description))).rejects.toThrow(InputError);
  });

  it.each(['../../outside', '/etc/passwd', 'a/b', '..', '', '.hidden', 'x'.repeat(200), 'a\nb'])(
    'never leads a file name astray: %j',
    async (label) => {
      const styles = [{ label, code: Float32Array.of(1) }];
      const record = await readRecord(await write({ ...describeRecord({ direction: 'A2B', styles }) }));
      expect(record.styles[0]!.label).toBe('like-1');
    },
  );
});
