import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/base/rng.js';
import { type DecodedImage, decodeImage } from '../../src/data/decode.js';
import { type FaceDetector, loadFaceDetector } from '../../src/faces/detector.js';
import type { Face } from '../../src/faces/face.js';
import { sampleFactors } from '../../src/sample/draw.js';
import { rasterise } from '../../src/sample/raster.js';
import { NOSES_OF_THREE, PHOTO_OF_THREE, WEIGHTS } from '../support/faces.js';

let detector: FaceDetector;
beforeAll(async () => {
  detector = await loadFaceDetector();
});
afterAll(() => detector.dispose());

const holds = ({ left, top, width, height }: Face, x: number, y: number): boolean =>
  x > left && x < left + width && y > top && y < top + height;

function drawn(size: number, pixel: (x: number, y: number) => number): DecodedImage {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const at = Math.floor(i / 3);
    return pixel(at % size, Math.floor(at / size));
  });
  return { data, width: size, height: size };
}

function part({ data, width: all }: DecodedImage, left: number, top: number, width: number, height: number) {
  const rows = Array.from({ length: height }, (_, y) => {
    const from = ((top + y) * all + left) * 3;
    return data.subarray(from, from + width * 3);
  });
  return { data: new Uint8Array(Buffer.concat(rows)), width, height };
}

describe('the face detector', () => {
  it.each([1920, 960, 480])('finds three people, the largest first, %i px wide', async (longest) => {
    const photo = await decodeImage(PHOTO_OF_THREE, { longest });
    const scale = photo.width / 1920;
    const faces = await detector.find(photo);
    expect(faces.length).toBe(3);
    for (const { score } of faces) expect(score).toBeGreaterThan(0.5);
    const areas = faces.map(({ width, height }) => width * height);
    expect(areas.toSorted((a, b) => b - a)).toEqual(areas);
    for (const [x, y] of NOSES_OF_THREE)
      expect(faces.filter((face) => holds(face, x * scale, y * scale)).length).toBe(1);
  });

  // Shares of the image that lie between the sizes of boxes that the detector knows.
  it.each([0.14, 0.16, 0.18, 0.2, 0.25])('finds a face of %f of the image', async (share) => {
    const photo = await decodeImage(PHOTO_OF_THREE);
    for (const [x, y] of NOSES_OF_THREE.slice(1)) {
      const [width, height] = [Math.round(230 / share), Math.round(130 / share)];
      const left = Math.min(Math.max(0, x - (width >> 1)), photo.width - width);
      const top = Math.min(Math.max(0, y - (height >> 1)), photo.height - height);
      const faces = await detector.find(part(photo, left, top, width, height));
      expect(faces.filter((face) => holds(face, x - left, y - top)).length).toBe(1);
    }
  });

  it('finds drawn portraits', async () => {
    let found = 0;
    for (let i = 0; i < 6; i++) {
      const factors = sampleFactors(1, 'testA', `testA/${i}`, 'vivid');
      const faces = await detector.find(await decodeImage(await rasterise(factors, 128)));
      const [x, y] = [(factors.content.x + 0.5) * 128, (factors.content.y + 0.5) * 128];
      if (faces.length === 1 && holds(faces[0]!, x, y)) found++;
    }
    expect(found).toBeGreaterThanOrEqual(5);
  });

  it('finds no face in an image without one', async () => {
    const rng = new Rng(1, 'noise');
    const noise = drawn(200, () => rng.uniform() * 255);
    const stripes = drawn(200, (x, y) => ((x >> 3) + (y >> 4)) * 9);
    for (const image of [noise, stripes]) expect(await detector.find(image)).toEqual([]);
  });

  it("computes the boxes of the package's own network", async () => {
    const { default: faceapi } = await import('@vladmandic/face-api/dist/face-api.node-gpu.js');
    const network = new faceapi.SsdMobilenetv1();
    await network.loadFromDisk(dirname(WEIGHTS));
    // As large as the network's input, so that neither side scales it.
    const photo = await decodeImage(PHOTO_OF_THREE, { size: 512, fit: 'stretch' });
    const pixels = tf.tensor3d(photo.data, [512, 512, 3], 'int32');
    const expected = await network.locateFaces(pixels as never, { minConfidence: 0.5, maxResults: 100 });
    pixels.dispose();
    network.dispose();
    const faces = await detector.find(photo, [1]);
    expect(faces.length).toBe(3);
    for (const { box, score } of expected) {
      const near = faces.find(({ left }) => Math.abs(left - box.x) < 1)!;
      for (const [key, value] of [
        ['left', box.x],
        ['top', box.y],
        ['width', box.width],
        ['height', box.height],
      ] as const)
        expect(Math.abs(near[key] - value)).toBeLessThan(0.01);
      expect(Math.abs(near.score - score)).toBeLessThan(1e-4);
    }
  });

  it('finds in a part of the square what it finds in the whole of it', async () => {
    const photo = await decodeImage(PHOTO_OF_THREE, { longest: 700 });
    // The same photo in the corner of a black square, all of which is computed.
    const whole = drawn(700, () => 0);
    for (let y = 0; y < photo.height; y++)
      whole.data.set(photo.data.subarray(y * photo.width * 3, (y + 1) * photo.width * 3), y * 700 * 3);
    const [part, all] = [await detector.find(photo), await detector.find(whole)];
    expect(part.length).toBe(3);
    for (const [i, face] of part.entries())
      for (const key of ['left', 'top', 'width', 'height'] as const)
        expect(Math.abs(face[key] - all[i]![key])).toBeLessThan(1);
  });

  it('frees all tensors of the images', async () => {
    const before = tf.memory().numTensors;
    await detector.find(await decodeImage(PHOTO_OF_THREE, { longest: 480 }));
    expect(tf.memory().numTensors).toBe(before);
  });
});
