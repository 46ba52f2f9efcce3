import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { dataRoot, formatConfig, loadConfig, resolveConfig } from '../../src/config/load.js';
import type { Config } from '../../src/config/schema.js';
import { variantNames } from '../../src/config/variants/names.js';

const withoutLpips = { losses: { lpips: { weight: 0 } } };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gnr-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'config.json');
  writeFileSync(path, text);
  return path;
}

function messageOfInputError(load: () => Config): string {
  try {
    load();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as InputError).message;
  }
  throw new Error('The config was accepted');
}

const messageFor = (...overrides: string[]) =>
  messageOfInputError(() => loadConfig({ overrides: ['losses.lpips.weight=0', ...overrides] }));

describe('loadConfig: order of the sources', () => {
  it('uses the defaults of the main variant without a file and overrides', () => {
    const config = resolveConfig(withoutLpips);
    expect(config.model).toMatchObject({
      variant: 'main',
      size: 256,
      numDown: 3,
      discriminatorLocalSize: 32,
    });
    expect(config.losses).toMatchObject({
      styleConsistency: { form: 'variance', weight: 50 },
      cycle: { form: 'l2', weight: 20 },
      styleReconstruction: 5,
      identity: 0,
    });
    expect(config.data.root).toBeUndefined();
    expect(config.data.augment.resizeRatio).toBe(1.1171875);
  });

  it('takes a number for a loss with options as its weight, in every source', () => {
    const path = file(
      '{"losses": {"lpips": 0, "cycle": 7, "styleDiversification": {"decaySteps": 9}, "identity": 3}}',
    );
    const { losses } = loadConfig({ file: path, overrides: ['losses.styleDiversification=2'] });
    expect(losses).toMatchObject({
      lpips: { weight: 0, weights: null },
      cycle: { form: 'l2', weight: 7 },
      styleDiversification: { weight: 2, decaySteps: 9 },
      identity: 3,
    });
    expect(messageFor('losses.cycle=-1')).toContain('losses.cycle.weight (--set) to be 0 or more');
    expect(messageFor('losses.cycle="much"')).toContain('losses.cycle (--set)');
    expect(messageFor('losses.lpisp=1')).toContain('unknown key losses.lpisp');
  });

  it("overrides the schema's defaults by the variant's, those by the file, and the file by --set", () => {
    const path = file(
      '{"model": {"variant": "train", "size": 128}, "losses": {"identity": 3, "lpips": {"weight": 0}}}',
    );
    const config = loadConfig({ file: path, overrides: ['model.size=64', 'training.steps=7'] });
    expect(config.model).toMatchObject({
      variant: 'train',
      size: 64,
      numDown: 4,
      discriminatorGlobalSize: 4,
    });
    expect(config.losses).toMatchObject({
      identity: 3,
      styleReconstruction: 0,
      cycle: { form: 'l1', weight: 20 },
    });
    expect(config.training.steps).toBe(7);
  });

  it('uses the defaults of a variant that an override names', () => {
    const config = loadConfig({ overrides: ['losses.lpips.weight=0', 'model.variant=train'] });
    expect(config.losses.styleConsistency.form).toBe('cosine');
  });

  it('overrides entries of the default table of channels', () => {
    const { channels } = resolveConfig({ ...withoutLpips, model: { channels: { 64: 100 } } }).model;
    expect(channels).toMatchObject({ 4: 512, 32: 512, 64: 100, 256: 64 });
  });

  it('keeps the order of the schema, whatever the order of the file', () => {
    const path = file(
      '{"training": {"steps": 5}, "losses": {"lpips": {"weight": 0}}, "model": {"size": 64}}',
    );
    const config = loadConfig({ file: path, overrides: [] });
    expect(Object.keys(config)).toEqual([
      'model',
      'data',
      'training',
      'losses',
      'checkpoint',
      'watch',
      'evaluation',
      'log',
      'distributed',
      'runtime',
    ]);
    expect(Object.keys(config.model).slice(0, 3)).toEqual(['variant', 'size', 'numDown']);
  });

  it('ignores keys that are undefined', () => {
    const config = resolveConfig({ ...withoutLpips, model: { variant: 'train', numDown: undefined } });
    expect(config.model.numDown).toBe(4);
  });
});

describe('loadConfig: overrides', () => {
  it('parses values as JSON, and as text if they are not valid JSON', () => {
    const config = loadConfig({
      overrides: [
        'losses.lpips={"weight": 0}',
        'training.betas=[0.5, 0.9]',
        'data.root=faces/a=b',
        'checkpoint.keepLast=1',
        'checkpoint.keepLast=2',
      ],
    });
    expect(config.losses.lpips).toEqual({ weight: 0, weights: null });
    expect(config.training.betas).toEqual([0.5, 0.9]);
    expect(config.data.root).toBe('faces/a=b');
    expect(config.checkpoint.keepLast).toBe(2);
  });

  it.each(['steps', '=5', '', 'training..steps=5', '.a=1'])('rejects %j', (override) => {
    expect(messageFor(override)).toContain(`KEY=VALUE`);
  });

  it('explains how to give text that consists of digits', () => {
    expect(messageFor('data.root=2024')).toContain(`--set 'data.root="..."'`);
    expect(loadConfig({ overrides: ['losses.lpips.weight=0', 'data.root="2024"'] }).data.root).toBe('2024');
  });

  it('leaves object prototypes alone', () => {
    messageFor('__proto__.polluted=1', 'model.size=1');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('loadConfig: errors', () => {
  it.each([
    ['training.stepps=5', 'unknown key training.stepps; did you mean training.steps?'],
    ['training.batch_size=5', 'did you mean training.batch?'],
    ['model.num_down=2', 'did you mean model.numDown?'],
    ['steps=5', 'did you mean training.steps?'],
    ['data.augment.flip=1', 'did you mean data.augment.flipProbability?'],
    ['losses.cycle.from=l1', 'did you mean losses.cycle.form?'],
    ['lossess.identity=1', 'unknown key lossess; did you mean losses?'],
    ['model.size=100', 'model.size (--set) to be one of 32, 64, 128, 256, 512 but found 100'],
    ['model.size.px=1', 'model.size (--set) to be a number but found {"px":1}'],
    ['model.variant=paper', `one of ${variantNames.join(', ')} but found "paper"`],
    ['training.steps=1.5', 'training.steps (--set) to be a whole number but found 1.5'],
    ['training.steps=0', 'to be 1 or more but found 0'],
    ['training.betas=[0]', 'a list of 2 numbers'],
    [`training.steps=${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'found [[[[...]]]]; change it'],
    [
      'training.r1Weight=high',
      'training.r1Weight (--set) to be a number of 0 or more, or auto but found "high"',
    ],
    ['training.r1Weight=-1', 'training.r1Weight (--set) to be 0 or more but found -1'],
    ['training.cosine.r1Factor=2', 'to be 1 or less but found 2'],
    [
      'training.initialization.steps=100',
      'losses.identity to be above 0 with training.initialization, in which images are reproduced but found 0',
    ],
    [
      'training.batch=1',
      'training.batch (--set) to be at least 2 with losses.styleDiversification',
      'losses.styleDiversification.weight=1',
    ],
    [
      'training.growth=[{"atStep":10,"size":128,"batch":1}]',
      'training.growth.0.batch (--set) to be at least 2 with losses.styleDiversification',
      'losses.styleDiversification.weight=1',
      'model.size=64',
    ],
    [
      'training.growth=[{"atStep":10,"size":256}]',
      'training.growth.0.size (--set) to be 128, twice model.size but found 256',
      'model.size=64',
    ],
    [
      'training.growth=[{"atStep":10,"size":128},{"atStep":20,"size":512}]',
      'training.growth.1.size (--set) to be 256, twice the size before but found 512',
      'model.size=64',
    ],
    [
      'training.growth=[{"atStep":10,"size":128},{"atStep":10,"size":256}]',
      'training.growth.1.atStep (--set) to be more than 10, the step of the growth before but found 10',
      'model.size=64',
    ],
    [
      'training.growth=[{"atStep":10,"size":512}]',
      'model.channels.512 to be at least 44 with model.channelDivisor 8, because networks that grow need 6 channels',
      'model.channelDivisor=8',
    ],
    [
      'training.growth=[{"atStep":10,"size":512}]',
      'model.numDown (--set) to be at most 4 with training.growth, each of which adds one downsampling',
      'model.numDown=5',
    ],
    ['training.growth=[{"atStep":10,"width":512}]', 'unknown key training.growth.0.width'],
    ['training=5', 'training (--set) to be a section with keys but found 5'],
    ['model.channels.7=5', 'a resolution in px'],
    ['losses.flavour=1', 'unknown key losses.flavour; remove it'],
    ['model.numDown=5', 'model.numDown (--set)', 'model.size=64'],
    ['model.size=64', 'at most 4 with model.size 64', 'model.numDown=5'],
    ['model.channels.16=null', 'model.channels.16 (--set) to be a number but found null'],
    ['data.augment.scale=[1.2,0.8]', 'smallest scale first'],
    ['model.discriminatorGlobalSize=128', 'at most model.size, 64 px', 'model.size=64'],
    ['model.discriminatorGlobalSize=4', 'at least 8 px in variant main'],
    ['model.discriminatorLocalSize=128', 'at most model.size, 64 px', 'model.size=64'],
    ['losses.lpips.weight=10', 'set losses.lpips.weight=0'],
    ['training.adaptiveAugment.initial=0.9', 'at most training.adaptiveAugment.limit, 0.8'],
    [
      'training.adaptiveAugment.enabled=true',
      'nothing would be transformed',
      'training.adaptiveAugment.blit=false',
      'training.adaptiveAugment.geometry=false',
      'training.adaptiveAugment.colour=false',
    ],
    ['runtime.activations=bfloat16', 'float32 with runtime.arithmetic float32, or bfloat16 for both'],
    [
      'runtime.activations=bfloat16',
      'float32 with runtime.capture false',
      'runtime.arithmetic=bfloat16',
      'runtime.capture=false',
    ],
    [
      'losses.adversarial=0',
      'no other term trains the decoder',
      'losses.cycle.weight=0',
      'losses.styleReconstruction=0',
    ],
  ])('rejects %s with the message "%s"', (override, message, ...others) => {
    expect(messageFor(override, ...others)).toContain(message);
  });

  it('names the source of every wrong key in one message', () => {
    const path = file('{"model": {"size": 100, "width": 3}, "training": {"batch": 0}}');
    const message = messageOfInputError(() => loadConfig({ file: path, overrides: ['training.seed=-1'] }));
    expect(message).toContain('4 problems');
    expect(message).toContain(`model.size (${path})`);
    expect(message).toContain(`training.batch (${path})`);
    expect(message).toContain('training.seed (--set)');
  });

  it('dataRoot asks for the folder of the training images', () => {
    expect(() => dataRoot(resolveConfig(withoutLpips))).toThrow('--set data.root=');
    expect(dataRoot(resolveConfig({ ...withoutLpips, data: { root: 'faces' } }))).toBe('faces');
  });

  it('names a file that is missing or not a JSON object', () => {
    expect(
      messageOfInputError(() => loadConfig({ file: join(folder, 'none.json'), overrides: [] })),
    ).toContain('none.json');
    expect(messageOfInputError(() => loadConfig({ file: folder, overrides: [] }))).toContain(folder);
    expect(messageOfInputError(() => loadConfig({ file: file('[1]'), overrides: [] }))).toContain(
      'found a list',
    );
  });
});

describe('config files', () => {
  const configs = new URL('../../configs/', import.meta.url);
  const names = readdirSync(configs).filter(
    (name) => name.endsWith('.json') && !['schema.json', 'baselines.json'].includes(name),
  );

  it.each(names)('configs/%s loads', (name) => {
    const config = loadConfig({ file: new URL(name, configs).pathname, overrides: [] });
    expect(config.model.variant).toBe(name.includes('train') ? 'train' : 'main');
  });

  it('formatConfig writes a file that loads to the same config', () => {
    const config = resolveConfig({ ...withoutLpips, data: { root: 'a "quoted" folder' } });
    const text = formatConfig(config);
    expect(text).toContain('"betas": [0, 0.99]');
    expect(loadConfig({ file: file(text), overrides: [] })).toEqual(config);
  });
});
