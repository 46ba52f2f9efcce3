import { describe, expect, it } from 'vitest';
import { ChangeMeter } from '../../src/video/change-meter.js';

describe('ChangeMeter', () => {
  it('gives the mean change between neighbouring frames, across batches too', () => {
    const frames = Uint8Array.of(0, 0, 255, 0, 255, 51);
    const whole = new ChangeMeter(2);
    whole.add(frames);
    const parts = new ChangeMeter(2);
    parts.add(frames.subarray(0, 2));
    parts.add(frames.subarray(2));
    // (255 + 0 + 0 + 51) of two pairs of two numbers.
    expect(whole.meanChange()).toBeCloseTo((255 + 51) / (4 * 255), 12);
    expect(parts.meanChange()).toBe(whole.meanChange());
  });

  it('keeps a copy of the last frame', () => {
    const meter = new ChangeMeter(1);
    const frame = Uint8Array.of(10);
    meter.add(frame);
    frame[0] = 200;
    meter.add(Uint8Array.of(10));
    expect(meter.meanChange()).toBe(0);
  });

  it('gives null for a single frame', () => {
    const meter = new ChangeMeter(3);
    expect(meter.meanChange()).toBeNull();
    meter.add(Uint8Array.of(1, 2, 3));
    expect(meter.meanChange()).toBeNull();
  });
});
