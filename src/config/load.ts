// Loads a config from defaults, a file and overrides.
import { readFileSync } from 'node:fs';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { formatJson, parseJson } from '../base/json-text.js';
import { describeValue } from '../base/visible-text.js';
import { expandLossWeights } from './loss-weights.js';
import { isTree, mergeTrees, parseOverrides, type Tree } from './overrides.js';
import { renameOldKeys } from './renamed-keys.js';
import { type Config, configSchema, configShape, type PartialConfig } from './schema.js';
import { configError, type Source } from './schema-errors.js';
import { variants } from './variants/registry.js';

/** The sources of a config. */
export interface ConfigSources {
  /** Values that the file overrides, and the name of their source in messages. */
  below?: Source | undefined;
  /** Path of a JSON file. */
  file?: string | undefined;
  /** Overrides `a.b=c`, as `--set` takes them. */
  overrides: string[];
}

/**
 * The config of a run. Each of these overrides the one before: the schema's defaults, the defaults of the variant, `below`,
 * the file, the overrides.
 * @throws InputError naming the file, line or key.
 */
export function loadConfig({ below, file, overrides }: ConfigSources): Config {
  const sources: Source[] = [];
  if (below !== undefined) sources.push(below);
  if (file !== undefined) sources.push({ name: file, values: readConfigFile(file) });
  sources.push({ name: '--set', values: parseOverrides(overrides) });
  return resolve(sources);
}

/**
 * Completes a config from some of its keys: the rest comes from the defaults of the variant and the schema's defaults.
 * @throws InputError naming the key.
 */
export function resolveConfig(partial: PartialConfig = {}): Config {
  return resolve([{ name: 'config', values: partial }]);
}

/** Formats a config as the text of a config file that loads to the same config. */
export function formatConfig(config: Config): string {
  return formatJson(config);
}

/**
 * The folder of the training images.
 * @throws InputError if the config names none: `data.root` has no default.
 */
export function dataRoot(config: Config): string {
  if (config.data.root !== undefined) return config.data.root;
  throw new InputError({
    expected: 'data.root to name the folder with trainA and trainB',
    found: 'nothing',
    remedy: 'set it in the configuration file or with --set data.root=DIR',
  });
}

function readConfigFile(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new InputError(
      {
        expected: `a readable configuration file at ${file}`,
        found: systemCode(cause) === 'ENOENT' ? 'none' : messageOf(cause),
        remedy: 'give --config the path of a JSON file',
      },
      { cause },
    );
  }
  const values = parseJson(text, file);
  if (!isTree(values)) {
    throw new InputError({
      expected: `an object of configuration keys in ${file}`,
      found: Array.isArray(values) ? 'a list' : describeValue(values),
      remedy: 'put the keys in braces: { "training": { ... } }',
    });
  }
  const { $schema: _, ...keys } = values;
  return keys;
}

function resolve(namedSources: readonly Source[]): Config {
  const sources = namedSources.map(renameOldKeys).map(expandLossWeights);
  const merged = sources.reduce<Tree>((below, { values }) => mergeTrees(below, values as Tree), {});
  const defaults = mergeTrees(configShape.parse({}), variantDefaults(merged) as Tree);
  const values = mergeTrees(defaults, merged);
  const result = configSchema.safeParse(values);
  if (!result.success) throw configError(result.error.issues, values, sources);
  return result.data;
}

/** The defaults of the variant that the values choose. The schema rejects an unknown variant later. */
function variantDefaults(values: Tree): PartialConfig {
  const chosen = isTree(values.model) ? values.model.variant : undefined;
  return Object.entries(variants).find(([name]) => name === chosen)?.[1].defaults ?? {};
}
