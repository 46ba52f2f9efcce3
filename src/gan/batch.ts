// The inputs of a training step, as one table of fields that both domains have.
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../base/rng.js';
import type { Config } from '../config/schema.js';
import { type ImageTransforms, transformShapes } from './discriminator-augment.js';
import { type Both, bothDomains, DOMAINS } from './domains.js';
import { anchorsShape } from './lecam-anchors.js';
import { type Alignment, alignmentShapes } from './pairs.js';

/** An array on the host for each type of tensor. */
interface HostArrays {
  float32: Float32Array;
  int32: Int32Array;
}

/** A field of a batch. */
interface Field<DType extends keyof HostArrays = keyof HostArrays> {
  dtype: DType;
  /** The shape of its tensor; undefined if the config does without the field. */
  shape(config: Config): number[] | undefined;
}

/** A field that depends on random numbers alone. */
interface DrawnField<DType extends keyof HostArrays = keyof HostArrays> extends Field<DType> {
  draw(config: Config, rng: Rng): HostArrays[DType];
}

const images: Field<'float32'> = {
  dtype: 'float32',
  shape: ({ model, training }) => [training.batch, model.size, model.size, 3],
};

const drawn: DrawnField<'float32'> = {
  dtype: 'float32',
  shape: ({ model, training }) => [training.batch, model.latentDim],
  draw: ({ model, training }, rng) => rng.normals(training.batch * model.latentDim),
};

const alignment = (name: keyof Alignment): Field<'float32'> => ({
  dtype: 'float32',
  shape: (config) => alignmentShapes(config)[name],
});

const rowsOf = (draw: DrawnField<'int32'>['draw']): DrawnField<'int32'> => ({
  dtype: 'int32',
  shape: ({ training }) => [training.batch],
  draw,
});

const transform = (name: keyof ImageTransforms): Field<'float32'> => ({
  dtype: 'float32',
  shape: (config) => transformShapes(config)[name],
});

/** The fields that are drawn, in the order of their draws: another order would change all runs. */
const DRAWN_FIELDS = {
  /** Style codes from the normal distribution, to translate this domain's images with: `[n, latentDim]`. */
  drawn,
  /** Rows of concat(drawn, encoded) that become the styles to translate with: `[n]`, from 0 to 2n - 1. */
  pick: rowsOf(({ training: { batch } }, rng) => rng.permutation(2 * batch).slice(0, batch)),
  /** An order of this domain's encoded styles for the way back: `[n]`. */
  order: rowsOf(({ training: { batch } }, rng) => rng.permutation(batch)),
};

/** All fields of a batch, which are the same for both domains. Images are `[n, size, size, 3]` in [-1, 1]. */
const FIELDS = {
  /** One image, augmented n times: its style must stay, its content changes. */
  same: images,
  /** n different images, augmented. */
  mixed: images,
  ...DRAWN_FIELDS,
  /** Adaptive transforms, if the config enables them. */
  warps: transform('warps'),
  colours: transform('colours'),
  /** Transforms of DiffAugment, if the config enables it. */
  tones: transform('tones'),
  shifts: transform('shifts'),
  frames: transform('frames'),
  cutouts: transform('cutouts'),
  /** How `same` is moved onto other rows of it, if a loss needs it. */
  places: alignment('places'),
  overlap: alignment('overlap'),
  /** Anchors of LeCam regularisation, if the config asks for it: `[2, heads]`. */
  anchors: { dtype: 'float32', shape: anchorsShape } satisfies Field<'float32'>,
};

/** Fields that a config may do without. */
type OptionalField = keyof ImageTransforms | keyof Alignment | 'anchors';

type FieldName = keyof typeof FIELDS;
const FIELD_NAMES = Object.keys(FIELDS) as FieldName[];

/** The fields of one domain, each with the value of its type; some may be absent. */
type DomainFields<Values extends Record<keyof HostArrays, unknown>> = {
  [Name in Exclude<FieldName, OptionalField>]: Values[(typeof FIELDS)[Name]['dtype']];
} & { [Name in OptionalField]?: Values['float32'] };

/** The inputs of a step from one domain. */
export type DomainBatch = DomainFields<Record<keyof HostArrays, Tensor>>;
/** The inputs of a step. */
export type StepBatch = Both<DomainBatch>;
/** The inputs of a step on the host. */
export type HostBatch = Both<DomainFields<HostArrays>>;

/** Those inputs of a step from one domain that depend on random numbers alone. */
export type DrawnInputs = {
  [Name in keyof typeof DRAWN_FIELDS]: HostArrays[(typeof DRAWN_FIELDS)[Name]['dtype']];
};

/** Draws each field for A and then for B, before the next field. */
export function drawInputs(config: Config, rng: Rng): Both<DrawnInputs> {
  const fields = Object.entries<DrawnField>(DRAWN_FIELDS).map(
    ([name, { draw }]) => [name, bothDomains(() => draw(config, rng))] as const,
  );
  return bothDomains(
    (domain) => Object.fromEntries(fields.map(([name, values]) => [name, values[domain]])) as DrawnInputs,
  );
}

/** Names such as `A/same` of all inputs of both domains, with their domain and field. */
const INPUTS = FIELD_NAMES.flatMap((field) =>
  DOMAINS.map((domain) => ({ name: `${domain}/${field}`, domain, field })),
);

/** Shapes and types of the inputs that a config has, by the names of `flattenBatch`. */
export function inputSpecs(config: Config): Record<string, { shape: number[]; dtype: keyof HostArrays }> {
  return Object.fromEntries(
    INPUTS.flatMap(({ name, field }) => {
      const { dtype, shape } = FIELDS[field];
      const dimensions = shape(config);
      return dimensions === undefined ? [] : [[name, { shape: dimensions, dtype }]];
    }),
  );
}

/** The inputs of both domains by names such as `A/same`. */
export function flattenBatch<T>(batch: Both<Partial<Record<FieldName, T>>>): Record<string, T> {
  const flat: Record<string, T> = {};
  for (const { name, domain, field } of INPUTS) {
    const values = batch[domain][field];
    if (values !== undefined) flat[name] = values;
  }
  return flat;
}

/** The reverse of `flattenBatch`; other names are left out. */
export function unflattenBatch(flat: Readonly<Record<string, Tensor>>): StepBatch {
  return bothDomains((domain) => {
    const fields: Partial<Record<FieldName, Tensor>> = {};
    for (const input of INPUTS) {
      const tensor = flat[input.name];
      if (input.domain === domain && tensor !== undefined) fields[input.field] = tensor;
    }
    return fields as Record<FieldName, Tensor>;
  });
}
