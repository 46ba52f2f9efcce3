// The plan of an ablation: a base recipe, its variants, and how they are compared.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { InputError } from '../../dist/base/errors.js';
import { parseJson } from '../../dist/base/json-text.js';
import { parseOrThrow } from '../../dist/base/parse-or-throw.js';
import { loadConfig } from '../../dist/config/load.js';

/** The name of the recipe that the variants are compared with. */
export const BASE = 'base';

/** Keys that the script sets itself. */
const RESERVED = ['training.steps', 'training.seed', 'data.root', 'checkpoint.', 'log.'];

const set = z.array(z.string()).default([]);
/** Config keys that are a share of a run's steps. */
const shares = z.record(z.string(), z.number().positive()).default({});
const positiveInteger = z.int().min(1);

const variant = z.strictObject({
  /** Also the name of its folders. */
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and hyphens'),
  /** Variants of one group share their charts. */
  group: z.string().min(1).default('variants'),
  why: z.string().min(1),
  /** A variant above, whose overrides come before this one's. */
  from: z.string().optional(),
  set,
  shares,
  /** Time of a step over that of the base; measured by default. */
  cost: z.number().positive().optional(),
});

const schema = z.strictObject({
  dataset: z.strictObject({
    images: positiveInteger,
    testImages: z.int().min(2),
    size: positiveInteger,
    seed: z.int().min(0),
    family: z.string().optional(),
  }),
  base: z.strictObject({
    /** A config file, relative to the plan. */
    config: z.string().min(1),
    set,
    shares,
    why: z.string().min(1),
  }),
  /** Steps of the base. The others take as many as fit into the same time. */
  steps: positiveInteger,
  /** Number of points of a run's curves; the last is the end of the run. */
  points: positiveInteger,
  /** The first is for all variants, the others for those that decide something. */
  seeds: z.array(z.int().min(0)).min(1),
  /** Rounds of measuring the time of a step beside the base. */
  costRounds: positiveInteger.default(3),
  evaluation: z.strictObject({ styles: z.int().min(2), seed: z.int().min(0) }),
  variants: z.array(variant),
  /** The figures that lead the table, have charts and decide; the table has all others too. */
  figures: z.array(
    z.strictObject({
      name: z.string().min(1),
      title: z.string().min(1).optional(),
      better: z.enum(['higher', 'lower']),
      decides: z.boolean().default(true),
    }),
  ),
  decide: z.strictObject({
    /** A variant decides something unless its score is worse than the base's by more than this. */
    margin: z.number().min(0),
    /** The names of the variants, in place of the rule. */
    variants: z.array(z.string()).optional(),
  }),
  /** Charts of a figure over the values of a key. */
  sweeps: z
    .array(
      z.strictObject({
        title: z.string().min(1),
        key: z.string().min(1),
        figure: z.string().min(1),
        variants: z.array(z.string()).min(2),
      }),
    )
    .default([]),
});

function planError(file, found, remedy) {
  return new InputError({ expected: `a plan of an ablation in ${file}`, found, remedy });
}

function checkNames(file, plan) {
  const names = plan.variants.map(({ name }) => name);
  const twice = names.find((name, i) => name === BASE || names.indexOf(name) !== i);
  if (twice !== undefined)
    throw planError(file, `two variants called ${twice}`, 'give each variant a name of its own');
  const mentioned = [...(plan.decide.variants ?? []), ...plan.sweeps.flatMap(({ variants }) => variants)];
  const unknown = mentioned.find((name) => name !== BASE && !names.includes(name));
  if (unknown !== undefined)
    throw planError(file, `the unknown variant ${unknown}`, 'correct it in decide or sweeps');
  for (const { set: overrides, shares: keys } of [plan.base, ...plan.variants])
    for (const text of [...overrides, ...Object.keys(keys)]) {
      const reserved = RESERVED.find((key) => text.trim().startsWith(key));
      if (reserved !== undefined)
        throw planError(file, `${text}, which the script sets itself`, 'remove it from the plan');
    }
}

/** The variants with the overrides that they take over from others. */
function inherit(file, variants) {
  const above = new Map();
  for (const { from, ...one } of variants) {
    const parent = from === undefined ? { set: [], shares: {} } : above.get(from);
    if (!parent)
      throw planError(file, `"from": "${from}" in ${one.name}`, 'name a variant that stands above it');
    const set = [...parent.set, ...one.set];
    above.set(one.name, { ...one, set, shares: { ...parent.shares, ...one.shares } });
  }
  return [...above.values()];
}

/**
 * Reads a plan and resolves the config of every recipe in it.
 *
 * @returns the plan with `recipes`: the base and all variants, as `{name, group, why, set, shares, cost}`.
 * @throws InputError if the file, the plan or a config is wrong.
 */
export function readPlan(file) {
  if (!existsSync(file)) throw planError(file, 'no file', 'give --plan the path of a JSON file');
  const details = {
    expected: `a plan of an ablation in ${file}`,
    remedy: 'correct it; scripts/ablation/plan.mjs says what a plan holds',
  };
  const parsed = parseOrThrow(schema, parseJson(readFileSync(file, 'utf8'), file), details);
  checkNames(file, parsed);
  const config = path.resolve(path.dirname(file), parsed.base.config);
  const { why } = parsed.base;
  const base = { name: BASE, group: BASE, why, set: [], shares: {}, cost: 1 };
  const plan = {
    ...parsed,
    base: { ...parsed.base, config },
    recipes: [base, ...inherit(file, parsed.variants)],
  };
  for (const recipe of plan.recipes)
    configOf(plan, recipe, { root: 'dataset', seed: plan.seeds[0], steps: plan.steps });
  return plan;
}

/** The config of a recipe's run. @throws InputError that names the key. */
export function configOf(plan, recipe, { root, seed, steps }) {
  const ofSteps = ([key, share]) => `${key}=${Math.max(1, Math.round(share * steps))}`;
  const overrides = [
    'log.tensorboard=false',
    ...plan.base.set,
    ...Object.entries(plan.base.shares).map(ofSteps),
    ...recipe.set,
    ...Object.entries(recipe.shares).map(ofSteps),
    `data.root=${JSON.stringify(root)}`,
    `training.seed=${seed}`,
    `training.steps=${steps}`,
    `checkpoint.everySteps=${Math.max(1, Math.round(steps / plan.points))}`,
    `checkpoint.keepEverySteps=${Math.max(1, Math.round(steps / plan.points))}`,
    'checkpoint.keepLast=1',
    'checkpoint.everyMinutes=1',
    `log.sampleEverySteps=${steps}`,
  ];
  return loadConfig({ file: plan.base.config, overrides });
}

/** The steps of a recipe that take as long as those of the base, a multiple of the number of points. */
export function stepsOf(plan, cost) {
  return plan.points * Math.max(1, Math.round(plan.steps / cost / plan.points));
}

/** What a recipe's cost depends on. */
export function costKey(plan, recipe) {
  return JSON.stringify([plan.base.set, plan.base.shares, recipe.set, recipe.shares]);
}

/** The name of a run's folder. */
export function runName({ name }, seed) {
  return `${name}-${seed}`;
}
