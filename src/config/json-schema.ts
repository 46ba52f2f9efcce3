// The JSON Schema of config files, and the list of all keys.
import { z } from 'zod';
import { isTree } from './overrides.js';
import { configShape } from './schema.js';
import { variants } from './variants/registry.js';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  description?: string;
  [keyword: string]: unknown;
}

/** The JSON Schema (draft 2020-12) of a config file, for editors. configs/schema.json is this. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configShape, { io: 'input' }) as SchemaNode;
  dropSectionDefaults(schema);
  nameVariantDefaults(
    schema,
    Object.entries(variants).map(([name, { defaults }]) => [name, defaults]),
  );
  const { $schema, properties, ...rest } = schema;
  return {
    $schema,
    title: 'Training configuration',
    ...rest,
    properties: {
      $schema: { type: 'string', description: 'Path of this schema, for editors.' },
      ...properties,
    },
  };
}

/** The paths of all keys and sections, in the order of the schema. */
export function configKeys(): string[] {
  const keys: string[] = [];
  const walk = (node: SchemaNode, prefix: string) => {
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      keys.push(prefix + name);
      walk(child, `${prefix}${name}.`);
    }
  };
  walk(z.toJSONSchema(configShape, { io: 'input' }) as SchemaNode, '');
  return keys;
}

/** Removes the defaults of sections: the empty object would mislead, since their keys have defaults of their own. */
function dropSectionDefaults(node: SchemaNode): void {
  if (node.properties) delete node.default;
  for (const child of Object.values(node.properties ?? {})) dropSectionDefaults(child);
}

/**
 * Adds to the descriptions of keys the values of those variants that have another default: `(train: 4)`.
 *
 * @param defaults the name of each variant, and its defaults at this place.
 */
function nameVariantDefaults(node: SchemaNode, defaults: readonly [string, unknown][]): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const below = defaults.flatMap(([name, values]): [string, unknown][] =>
      isTree(values) && values[key] !== undefined ? [[name, values[key]]] : [],
    );
    if (below.length === 0) continue;
    if (child.properties) nameVariantDefaults(child, below);
    else if (child.description !== undefined)
      child.description = child.description.replace(/\.$/, ` (${below.map(valueText).join(', ')}).`);
  }
}

function valueText([name, value]: [string, unknown]): string {
  return `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
