import { describe, expect, it } from 'vitest';
import { cautionsOf } from '../../../src/eval/report/cautions.js';
import { figure, method, receipt } from '../../support/receipt.js';

const withCounts = (...counts: Record<string, number>[]) =>
  cautionsOf(receipt(counts.map((n, i) => method(`m${i}`, [figure({ n })]))));

describe('cautionsOf', () => {
  it('is empty for a receipt without problems', () => {
    expect(cautionsOf(receipt([method('a', [figure()])]))).toEqual([]);
    expect(withCounts({})).toEqual([]);
  });

  it('warns of fewer images than dimensions on either side, and of fewer than 10,000', () => {
    expect(withCounts({ outputs: 2047, real: 50_000 })[0]).toMatch(/^FID from 2047 images:.*rank deficient/);
    expect(withCounts({ outputs: 50_000, real: 100 })[0]).toMatch(/^FID from 100 images:.*rank deficient/);
    const [biased] = withCounts({ outputs: 2048, real: 50_000 });
    expect(biased).toMatch(/^FID from 2048 images: with fewer than 10.000 the value is too large/);
    expect(biased).not.toContain('rank');
    expect(withCounts({ outputs: 10_000, real: 10_000, subsets: 3 })).toEqual([]);
  });

  it('says that methods have different numbers of images', () => {
    const [text, ...others] = withCounts({ outputs: 100 }, { outputs: 1000 });
    expect(text).toMatch(/^FID from 100 to 1000 images.*different numbers of images/);
    expect(others).toEqual([]);
  });

  it('counts the styles of an input for DFID, and ignores metrics that compare no covariances', () => {
    const dfid = figure({
      metric: 'dfid',
      key: 'dfid',
      title: 'DFID',
      n: { inputs: 10, styles: 100, real: 9000 },
    });
    const kid = figure({ metric: 'kid', key: 'kid', n: { outputs: 10 } });
    const cautions = cautionsOf(receipt([method('a', [dfid, kid])]));
    expect(cautions).toHaveLength(1);
    expect(cautions[0]).toMatch(/^DFID from 100 images/);
  });

  it('says nothing of a metric that this version does not know', () => {
    const unknown = figure({ metric: 'later', key: 'later', n: { outputs: 10, real: 10 } });
    expect(cautionsOf(receipt([method('a', [unknown])]))).toEqual([]);
  });

  it('does not call a folder reduced if it has fewer images than the protocol uses', () => {
    const limits = (count: number) => ({
      protocol: { name: 'mine', metrics: {}, inputs: { count }, real: { count } },
    });
    expect(cautionsOf(receipt([], limits(101)))).toEqual([]);
    expect(cautionsOf(receipt([], limits(100)))).toHaveLength(1);
  });

  it('names unverified weights, reduced subsets, truncation and training inputs', () => {
    const cautions = cautionsOf(
      receipt([], {
        weights: [
          { name: 'inception', sha256: 'b'.repeat(64), verified: false },
          { name: 'alex', sha256: 'b'.repeat(64), verified: true },
        ],
        protocol: {
          name: 'mine',
          metrics: {},
          inputs: { folder: 'trainA', count: 50 },
          real: { count: 20 },
          styles: { truncation: 0.7 },
        },
      }),
    );
    expect(cautions).toHaveLength(4);
    expect(cautions[0]).toMatch(/^Unverified weights: inception\. /);
    expect(cautions[1]).toContain('trained on');
    expect(cautions[2]).toContain('truncated to 0.7');
    expect(cautions[3]).toContain('the first 50 inputs and the first 20 real images');
  });
});
