import { describe, expect, it } from 'vitest';
import { inferModel } from '../../../src/checkpoint/reference/architecture.js';
import { stateDictShapes } from '../../../src/checkpoint/reference/networks.js';
import { resolveConfig } from '../../../src/config/load.js';
import type { PartialConfig } from '../../../src/config/schema.js';
import { networkSpecs } from '../../../src/model/networks.js';

const resolved = (model: PartialConfig['model']) =>
  resolveConfig({ model, losses: { lpips: { weight: 0 } } }).model;

describe('the architecture inferred from shapes', () => {
  it.each([
    { variant: 'main', numDown: 3, size: 256 },
    { variant: 'main', numDown: 4, size: 256 },
    { variant: 'train', numDown: 3, size: 128 },
    { variant: 'train', numDown: 4, size: 512 },
    { variant: 'main', numDown: 4, size: 64 },
    { variant: 'main', numDown: 3, size: 32, discriminatorLocalSize: 16 },
    {
      variant: 'train',
      numDown: 3,
      size: 64,
      residualBlocks: 0,
      mappingLayers: 8,
      latentDim: 16,
      styleDim: 64,
    },
    { variant: 'train', numDown: 2, size: 64, residualBlocks: 3, latentDiscriminatorWidth: 32 },
    { variant: 'main', numDown: 1, size: 64, channelDivisor: 16, channels: { 8: 48 } },
  ] as NonNullable<PartialConfig['model']>[])('is that of %j', (wanted) => {
    const model = resolved(wanted);
    const specs = networkSpecs(model);
    const networks = {
      generator: stateDictShapes(specs.G_A2B),
      image: stateDictShapes(specs.D_A),
      latent: stateDictShapes(specs.D_L),
    };
    const { model: inferred, unresolved } = inferModel(networks, 'ck.pt');
    const { channels, channelDivisor, mappingRate: _, ...others } = model;
    expect(inferred).toMatchObject({ ...others, channelDivisor: 1 });
    for (const [px, width] of Object.entries(inferred.channels!))
      expect(width, px).toBe(Math.round(channels[px]! / channelDivisor));
    expect(unresolved).toEqual(['model.mappingRate']);
    // The same networks come of it.
    const again = networkSpecs(resolved(inferred));
    for (const name of ['G_A2B', 'D_A', 'D_L'] as const)
      expect([...stateDictShapes(again[name])]).toEqual([...stateDictShapes(specs[name])]);
  });
  it('names the keys that it cannot determine', () => {
    const generator = stateDictShapes(networkSpecs(resolved({})).G_A2B);
    expect(inferModel({ generator }, 'ck.pt').unresolved).toEqual([
      'model.mappingRate',
      'model.discriminatorLocalSize',
      'model.discriminatorGlobalSize',
      'model.latentDiscriminatorWidth',
    ]);
  });
  it('names filters of the content head that no released variant has', () => {
    const generator = new Map(stateDictShapes(networkSpecs(resolved({})).G_A2B));
    generator.set('encoder.content.0.0.weight', [512, 512, 5, 5]);
    expect(() => inferModel({ generator }, 'ck.pt')).toThrow(
      'filters of 1 px (main) or 3 px (train) in the content head of the generator in ck.pt but found 5 px',
    );
  });
  it('names a missing tensor', () => {
    const generator = new Map(stateDictShapes(networkSpecs(resolved({})).G_A2B));
    generator.delete('encoder.content.0.0.weight');
    expect(() => inferModel({ generator }, 'ck.pt')).toThrow(/encoder\.content\.0\.0\.weight .* in ck\.pt/);
  });
});
