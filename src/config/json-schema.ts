import { z } from 'zod';
import { configShape } from './schema.js';

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  [keyword: string]: unknown;
}

/** The JSON Schema (draft 2020-12) of a config file, for editors; configs/schema.json holds it. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configShape, { io: 'input' }) as SchemaNode;
  dropSectionDefaults(schema);
  const { $schema, properties, ...rest } = schema;
  return {
    $schema,
    title: 'Training configuration',
    ...rest,
    properties: {
      $schema: { type: 'string', description: 'Where this schema is, for editors.' },
      ...properties,
    },
  };
}

/** Every key's path, sections included, in the order of the schema. */
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

/** A section's default is that of its keys; the empty object would only mislead. */
function dropSectionDefaults(node: SchemaNode): void {
  if (node.properties) delete node.default;
  for (const child of Object.values(node.properties ?? {})) dropSectionDefaults(child);
}
