import { describe, expect, it } from 'vitest';
import {
  histogramsEvent,
  imageEvent,
  scalarsEvent,
  startEvent,
  versionEvent,
} from '../../../../src/train/log/tensorboard/event.js';
import { readEvent } from './record-reader.js';

const time = { seconds: 1.5, step: 7 };
const HISTOGRAM = { min: -1, max: 1, count: 3, sum: 0.5, sumOfSquares: 2, limits: [0, 1], counts: [1, 2] };

describe('the bytes of an event', () => {
  // Made with tensorboard.compat.proto.event_pb2; only the step of the first event, 0, is omitted there.
  it.each([
    [
      'file version',
      versionEvent(1.5),
      '09 00 00 00 00 00 00 f8 3f 10 00 1a 0d 62 72 61 69 6e 2e 45 76 65 6e 74 3a 32',
    ],
    ['start', startEvent({ seconds: 1.5, step: 31 }), '09 00 00 00 00 00 00 f8 3f 10 1f 3a 02 08 01'],
    [
      'scalar, at a step beyond 32 bits',
      scalarsEvent({ seconds: 1.5, step: 2 ** 40 + 300 }, { 'a/b': 0.5 }),
      '09 00 00 00 00 00 00 f8 3f 10 ac 82 80 80 80 20 2a 0c 0a 0a 0a 03 61 2f 62 15 00 00 00 3f',
    ],
    [
      'image',
      imageEvent(time, 'p', { png: Buffer.from('PNG'), width: 300, height: 1 }),
      '09 00 00 00 00 00 00 f8 3f 10 07 2a 13 0a 11 0a 01 70 22 0c 08 01 10 ac 02 18 03 22 03 50 4e 47',
    ],
    [
      'histogram',
      histogramsEvent(time, { h: HISTOGRAM }),
      `09 00 00 00 00 00 00 f8 3f 10 07 2a 58 0a 56 0a 01 68 2a 51 09 00 00 00 00 00 00 f0 bf
       11 00 00 00 00 00 00 f0 3f 19 00 00 00 00 00 00 08 40 21 00 00 00 00 00 00 e0 3f
       29 00 00 00 00 00 00 00 40 32 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00 f0 3f
       3a 10 00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 40`,
    ],
  ])('are those of the official message for a %s', (_, event, bytes) => {
    expect(Buffer.from(event).toString('hex')).toBe(bytes.replaceAll(/\s/g, ''));
  });
});

it('scalarsEvent puts several scalars into one event, in order', () => {
  const scalars = { 'generators/cycle': 1.25, 'rss-bytes': 2 ** 31, odd: Number.NaN };
  expect(readEvent(Buffer.from(scalarsEvent(time, scalars)))).toEqual({ ...time, scalars });
  expect(readEvent(Buffer.from(histogramsEvent(time, { h: HISTOGRAM }))).histograms).toEqual({
    h: HISTOGRAM,
  });
});

it('startEvent rejects a step that is not a natural number', () => {
  for (const step of [-1, 0.5, 2 ** 53]) expect(() => startEvent({ seconds: 1, step })).toThrow(RangeError);
});
