// The JSON Schema of config files, and the list of all keys.
import { z } from 'zod';
import { configShape } from './schema.js';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  [keyword: string]: unknown;
}

/** The JSON Schema (draft 2020-12) of a config file, for editors. configs/schema.json is this. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configShape, { io: 'input' }) as SchemaNode;
  dropSectionDefaults(schema);
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
