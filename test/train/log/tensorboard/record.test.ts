import { describe, expect, it } from 'vitest';
import { crc32c, frameRecord } from '../../../../src/train/log/tensorboard/record.js';
import { parseRecords } from './record-reader.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4, which lists the bytes of the sums in order of sending: least significant first.
  it.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 bytes rising', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['32 bytes falling', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s', (_, bytes, sum) => expect(crc32c(bytes)).toBe(sum));
});

describe('a record', () => {
  // Made with tensorboard.summary.writer.record_writer.RecordWriter.
  it.each([
    ['', '00 00 00 00 00 00 00 00 29 03 98 07 d8 ea 82 a2'],
    ['abc', '03 00 00 00 00 00 00 00 b0 99 49 0e 61 62 63 6e 57 f1 21'],
  ])('of %j has the bytes that TensorFlow gives it', (text, bytes) => {
    expect(frameRecord(Buffer.from(text)).toString('hex')).toBe(hex(bytes).toString('hex'));
  });

  it('is read back, and the size of an incomplete one is reported', () => {
    const records = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(700, 7)];
    const file = Buffer.concat(records.map(frameRecord));
    expect(parseRecords(file)).toEqual({ records, tornBytes: 0 });
    for (const bytes of [1, 11, 12, 13, 15]) {
      const torn = Buffer.concat([file, frameRecord(Buffer.from('x')).subarray(0, bytes)]);
      expect(parseRecords(torn)).toEqual({ records, tornBytes: bytes });
    }
  });
});
