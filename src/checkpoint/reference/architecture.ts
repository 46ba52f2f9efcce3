// Infers the architecture of a reference checkpoint from its tensors' shapes.
import { InputError } from '../../base/errors.js';
import type { PartialConfig } from '../../config/schema.js';
import { releasedVariants } from '../../config/variants/names.js';
import { type Variant, variants } from '../../config/variants/registry.js';

/** Shapes of a network's tensors by path. */
export type Shapes = ReadonlyMap<string, readonly number[]>;

export interface InferredModel {
  model: NonNullable<PartialConfig['model']>;
  /** Keys of the config that the shapes do not determine; they have their defaults. */
  unresolved: string[];
}

/** How many of `path(from)`, `path(from + 1)`, ... exist in a row. */
function countOf(shapes: Shapes, path: (i: number) => string, from = 0): number {
  let count = 0;
  while (shapes.has(path(from + count))) count++;
  return count;
}

function dimension(shapes: Shapes, path: string, axis: number, file: string): number {
  const size = shapes.get(path)?.[axis];
  if (size !== undefined) return size;
  throw new InputError({
    expected: `the tensor ${path} of a generator in ${file}`,
    found: 'none',
    remedy: "use a checkpoint of the reference implementation's branch main or train",
  });
}

/** Channels by resolution in px, from the widths of the encoder's layers. */
function inferChannels(
  generator: Shapes,
  file: string,
  size: number,
  halvings: number,
): Record<string, number> {
  const channels: Record<string, number> = {};
  channels[size] = dimension(generator, 'encoder.stem.0.0.weight', 0, file);
  for (let i = 1; i <= halvings; i++)
    channels[size / 2 ** i] = dimension(generator, `encoder.stem.${i}.conv2.1.weight`, 0, file);
  for (let i = 0, px = size / 2 ** (halvings + 1); px >= 4; i++, px /= 2)
    channels[px] = dimension(generator, `encoder.style.${i}.1.weight`, 0, file);
  return channels;
}

/** Recognises a released variant by the side of its content head's filters. */
function variantOf(contentFilter: number, file: string): Variant {
  const variant = releasedVariants.find((name) => variants[name].contentFilter === contentFilter);
  if (variant !== undefined) return variant;
  const sides = releasedVariants.map((name) => `${variants[name].contentFilter} px (${name})`);
  throw new InputError({
    expected: `filters of ${sides.join(' or ')} in the content head of the generator in ${file}`,
    found: `${contentFilter} px`,
    remedy: "use a checkpoint of the reference implementation's branch main or train",
  });
}

/** @throws InputError for a variant that the reference implementation does not have. */
export function rejectUnreleased(variant: Variant): void {
  if (releasedVariants.includes(variant)) return;
  throw new InputError({
    expected: `a model of variant ${releasedVariants.join(' or ')} to write as a PyTorch checkpoint`,
    found: `one of variant ${variant}, which the reference implementation does not have`,
    remedy: 'export it in another format',
  });
}

/** The side in px at which a branch of the image discriminator ends. */
function branchEnd(discriminator: Shapes, branch: string, size: number): number {
  return size / 2 ** countOf(discriminator, (i) => `${branch}.${i}.conv1.0.weight`, 1);
}

/**
 * Infers the architecture of a reference checkpoint from names and shapes: the variant from the content head's filters, the
 * size from the number of halvings down to 4 px, widths from the layers themselves.
 *
 * @param networks shapes by network; `generator` is required.
 * @throws InputError that names the missing tensor, or the filters that no released variant has.
 */
export function inferModel(
  networks: { generator: Shapes; image?: Shapes | undefined; latent?: Shapes | undefined },
  file: string,
): InferredModel {
  const { generator, image, latent } = networks;
  const contentFilter = dimension(generator, 'encoder.content.0.0.weight', 2, file);
  const blocks = countOf(generator, (i) => `encoder.stem.${i}.conv1.0.weight`, 1);
  const numDown = countOf(generator, (i) => `encoder.stem.${i}.skip.1.weight`, 1);
  const styleHalvings = countOf(generator, (i) => `encoder.style.${i}.1.weight`);
  const size = 2 ** (numDown + styleHalvings + 2);
  const unresolved = ['model.mappingRate'];
  const model: InferredModel['model'] = {
    variant: variantOf(contentFilter, file),
    size,
    numDown,
    latentDim: dimension(generator, 'mapping.0.weight', 1, file),
    styleDim: dimension(generator, 'mapping.0.weight', 0, file),
    mappingLayers: countOf(generator, (i) => `mapping.${i}.weight`),
    residualBlocks: blocks - numDown,
    channels: inferChannels(generator, file, size, numDown),
    channelDivisor: 1,
  };
  if (image === undefined) unresolved.push('model.discriminatorLocalSize', 'model.discriminatorGlobalSize');
  else {
    model.discriminatorLocalSize = branchEnd(image, 'l_branch', size);
    model.discriminatorGlobalSize = branchEnd(image, 'g_branch', size);
  }
  if (latent === undefined) unresolved.push('model.latentDiscriminatorWidth');
  else model.latentDiscriminatorWidth = dimension(latent, 'fc.0.weight', 0, file);
  return { model, unresolved };
}
