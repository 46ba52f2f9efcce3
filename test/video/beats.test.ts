import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { findBeats } from '../../src/video/beats.js';
import { Spectrum } from '../../src/video/fft.js';
import {
  FIRST_ONSET_SECONDS,
  ONSET_SAMPLE_RATE,
  ONSETS_PER_SECOND,
  OnsetMeter,
} from '../../src/video/onsets.js';

describe('Spectrum', () => {
  it('is that of the definition', () => {
    const length = 16;
    const rng = new Rng(1);
    const samples = rng.normals(length);
    const power = new Float64Array(length / 2 + 1);
    new Spectrum(length).power(samples, power);
    for (let k = 0; k <= length / 2; k++) {
      let [real, imaginary] = [0, 0];
      for (let i = 0; i < length; i++) {
        const value = samples[i]! * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
        real += value * Math.cos((2 * Math.PI * i * k) / length);
        imaginary -= value * Math.sin((2 * Math.PI * i * k) / length);
      }
      expect(power[k]).toBeCloseTo(real ** 2 + imaginary ** 2, 9);
    }
  });

  it.each([0, 2, 12, -4, Number.NaN])('refuses a window of %s', (length) => {
    expect(() => new Spectrum(length)).toThrow(RangeError);
  });
});

/** Clicks of a decaying tone at these times, over quiet noise. */
function clickTrack(times: readonly number[], seconds: number, noise = 0.003): Float32Array {
  const samples = new Rng(7).normals(Math.round(seconds * ONSET_SAMPLE_RATE)).map((value) => value * noise);
  for (const time of times) {
    const from = Math.round(time * ONSET_SAMPLE_RATE);
    for (let i = 0; i < 1500 && from + i < samples.length; i++)
      samples[from + i]! += 0.6 * Math.exp(-i / 300) * Math.sin((2 * Math.PI * 1200 * i) / ONSET_SAMPLE_RATE);
  }
  return samples;
}

function beatsOf(samples: Float32Array, chunk = samples.length): number[] {
  const meter = new OnsetMeter();
  for (let from = 0; from < samples.length; from += chunk) meter.add(samples.subarray(from, from + chunk));
  return findBeats(meter.strengths(), ONSETS_PER_SECOND).map(
    (step) => step / ONSETS_PER_SECOND + FIRST_ONSET_SECONDS,
  );
}

const every = (period: number, from: number, until: number): number[] =>
  Array.from({ length: Math.ceil((until - from) / period) }, (_, i) => from + i * period);

describe('beats', () => {
  it.each([72, 90, 120, 133, 174])('of a click track of %d beats a minute are within 50 ms', (tempo) => {
    const clicks = every(60 / tempo, 0.37, 11.5);
    const beats = beatsOf(clickTrack(clicks, 12));
    const distance = (from: number, to: readonly number[]): number =>
      Math.min(...to.map((time) => Math.abs(time - from)));
    expect(beats.length).toBe(clicks.length);
    for (const beat of beats) expect(distance(beat, clicks)).toBeLessThan(0.05);
    for (const click of clicks) expect(distance(click, beats)).toBeLessThan(0.05);
    // No bias: the mean of all is nearer still.
    const bias = beats.reduce((sum, beat, i) => sum + beat - clicks[i]!, 0) / beats.length;
    expect(Math.abs(bias)).toBeLessThan(0.015);
  });

  it('go on through a missing click, and pass over one beside the beat', () => {
    const clicks = every(0.5, 0.25, 12);
    const heard = [...clicks.filter((_, i) => i !== 9), 6.1].sort((a, b) => a - b);
    const beats = beatsOf(clickTrack(heard, 12));
    expect(beats.length).toBe(clicks.length);
    for (const [i, beat] of beats.entries()) expect(Math.abs(beat - clicks[i]!)).toBeLessThan(0.1);
  });

  it('begin and end with the music', () => {
    const beats = beatsOf(clickTrack(every(0.5, 4, 8), 12));
    expect([beats[0], beats.at(-1)].map((beat) => Math.round(beat! * 10) / 10)).toEqual([4, 7.5]);
  });

  it('are found in quiet sound, too', () => {
    const quiet = clickTrack(every(0.5, 0.25, 6), 6).map((value) => value * 0.01);
    expect(beatsOf(quiet).length).toBe(12);
  });

  it('are the same however the samples come', () => {
    const samples = clickTrack(every(0.5, 0.1, 5), 5);
    expect(beatsOf(samples, 333)).toEqual(beatsOf(samples));
  });

  it('are none in silence, in noise, in sound that is too short, and in none at all', () => {
    expect(beatsOf(new Float32Array(ONSET_SAMPLE_RATE * 5))).toEqual([]);
    expect(beatsOf(clickTrack([], 6, 0.2))).toEqual([]);
    expect(beatsOf(new Float32Array(100))).toEqual([]);
    expect(beatsOf(new Float32Array(0))).toEqual([]);
    expect(beatsOf(new Float32Array(ONSET_SAMPLE_RATE * 3).fill(Number.NaN))).toEqual([]);
  });
});
