import { describe, expect, it } from 'vitest';
import { gridSection, nearestSection, nearnessOf } from '../../../src/eval/report/galleries.js';

const image = { data: new Uint8Array(4 * 4 * 3).fill(90), width: 4, height: 4 };
const distances = (from: number) => Array.from({ length: 100 }, (_, i) => from + i / 10);
const nearest = (outputDistances: number[], realDistances: number[]) => ({
  method: 'GNR',
  how: 'Inception features.',
  outputs: [],
  outputDistances,
  realDistances,
});

describe('nearnessOf', () => {
  it('does not suspect outputs as far from training images as real images are', () => {
    const nearness = nearnessOf(nearest(distances(5), distances(5)))!;
    expect(nearness.nearer).toBe(5);
    expect(nearness.isSuspicious).toBe(false);
    expect(nearness.threshold).toBeCloseTo(5.495, 10);
    expect(nearness.output).toMatchObject({ count: 100, low: 5, high: 14.9 });
    expect(nearness.output.median).toBeCloseTo(9.95, 10);
  });

  it('suspects outputs that are nearer to training images than real images are', () => {
    expect(nearnessOf(nearest(distances(3), distances(5)))).toMatchObject({ nearer: 25, isSuspicious: true });
  });

  it('uses the nearest of the shown neighbours if there are no other distances', () => {
    const neighbours = [2, 9].map((distance) => ({ label: 'n', image, distance }));
    const shown = { ...nearest([], [4, 5]), outputs: [{ label: 'a', image, neighbours }] };
    expect(nearnessOf({ ...shown, outputDistances: [1, Number.NaN] })?.output.count).toBe(1);
    const { outputDistances: _, ...without } = shown;
    expect(nearnessOf(without)?.output).toMatchObject({ count: 1, median: 2 });
  });

  it('is undefined without distances', () => {
    expect(nearnessOf(nearest([], [1]))).toBeUndefined();
    expect(nearnessOf(nearest([1], []))).toBeUndefined();
  });
});

describe('image sections', () => {
  it('are empty without images', async () => {
    expect(await gridSection([])).toBe('');
    expect(await nearestSection([])).toBe('');
  });

  it('give every image a text alternative', async () => {
    const html = await gridSection([
      {
        title: 'Grid',
        columns: ['Input', 'Style 1', 'Style 2'],
        rows: [{ label: 'a.png', images: [image, image] }],
      },
    ]);
    expect([...html.matchAll(/alt="([^"]*)"/g)].map(([, alt]) => alt)).toEqual([
      'a.png: Input',
      'a.png: Style 1',
    ]);
    expect(html).toContain('<td>–</td>');
  });

  it('show neighbours with their distances, in rows of any length, and a distance of zero', async () => {
    const neighbour = (distance: number) => ({ label: `t${distance}`, image, distance });
    const html = await nearestSection([
      {
        method: 'GNR',
        how: 'Inception features.',
        outputs: [
          { label: 'a', image, neighbours: [neighbour(0), neighbour(2.5)] },
          { label: 'b', image, neighbours: [] },
        ],
        realDistances: [0],
      },
    ]);
    expect(html).toContain('<th scope="col">2.</th>');
    expect(html).toContain('2.5<br>t2.5');
    expect(html.match(/<tr>.*<td><\/td><td><\/td><\/tr>/g)).toHaveLength(1);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });
});
