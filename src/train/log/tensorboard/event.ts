// TensorBoard's Event messages, encoded.
import {
  bytesField,
  bytesOf,
  doubleField,
  doublesField,
  type Encoded,
  floatField,
  intField,
  message,
  messageField,
} from '../../../base/protobuf.js';
import type { Histogram } from './histogram.js';

/**
 * Numbers, images and histograms are simple_value, Image and HistogramProto, not the tensors of tf.summary in TensorFlow 2.
 * TensorBoard's pages accept both and convert the former to the latter; its EventAccumulator, and with it most scripts that
 * read such files, lists only the former under Scalars, Images and Histograms.
 */

/** The bytes of a PNG file with its size, px. */
export interface EventImage {
  png: Uint8Array;
  width: number;
  height: number;
}

// Numbers of the fields: event.proto, summary.proto and histogram.proto in tensorflow/core.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4, histogram: 5 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const HISTOGRAM = { min: 1, max: 2, count: 3, sum: 4, sumOfSquares: 5, limits: 6, counts: 7 } as const;
const SUMMARY_VALUE = 1;
const SESSION_LOG_STATUS = 1;
const SESSION_START = 1;
const RGB = 3;

/** Time of an event, seconds since 1970, and its global step. */
export interface EventTime {
  seconds: number;
  step: number;
}

function event({ seconds, step }: EventTime, content: Encoded): Uint8Array {
  if (!(step >= 0)) throw new RangeError(`a step must be a number from 0, but is ${step}`);
  return bytesOf(message([doubleField(EVENT.wallTime, seconds), intField(EVENT.step, step), content]));
}

/** The event that begins a file. Readers obey `startEvent` from version 2 on. */
export function versionEvent(seconds: number): Uint8Array {
  return event({ seconds, step: 0 }, bytesField(EVENT.fileVersion, 'brain.Event:2'));
}

/** Makes a reader drop what it has read of this step and later ones. */
export function startEvent(time: EventTime): Uint8Array {
  return event(time, messageField(EVENT.sessionLog, [intField(SESSION_LOG_STATUS, SESSION_START)]));
}

function summaryEvent(time: EventTime, values: readonly [tag: string, value: Encoded][]): Uint8Array {
  const fields = values.map(([tag, value]) =>
    messageField(SUMMARY_VALUE, [bytesField(VALUE.tag, tag), value]),
  );
  return event(time, messageField(EVENT.summary, fields));
}

/** Numbers by tag; TensorBoard keeps them in single precision. */
export function scalarsEvent(time: EventTime, values: Readonly<Record<string, number>>): Uint8Array {
  return summaryEvent(
    time,
    Object.entries(values).map(([tag, value]) => [tag, floatField(VALUE.simpleValue, value)]),
  );
}

export function imageEvent(time: EventTime, tag: string, { png, width, height }: EventImage): Uint8Array {
  const fields = [
    intField(IMAGE.height, height),
    intField(IMAGE.width, width),
    intField(IMAGE.colorspace, RGB),
    bytesField(IMAGE.encoded, png),
  ];
  return summaryEvent(time, [[tag, messageField(VALUE.image, fields)]]);
}

export function histogramsEvent(
  time: EventTime,
  histograms: Readonly<Record<string, Histogram>>,
): Uint8Array {
  return summaryEvent(
    time,
    Object.entries(histograms).map(([tag, histogram]) => [
      tag,
      messageField(VALUE.histogram, [
        doubleField(HISTOGRAM.min, histogram.min),
        doubleField(HISTOGRAM.max, histogram.max),
        doubleField(HISTOGRAM.count, histogram.count),
        doubleField(HISTOGRAM.sum, histogram.sum),
        doubleField(HISTOGRAM.sumOfSquares, histogram.sumOfSquares),
        doublesField(HISTOGRAM.limits, histogram.limits),
        doublesField(HISTOGRAM.counts, histogram.counts),
      ]),
    ]),
  );
}
