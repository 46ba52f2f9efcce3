import { describe, expect, it } from 'vitest';
import { formatJson } from '../../src/base/json-text.js';
import { configJsonSchema, configKeys } from '../../src/config/json-schema.js';
import { resolveConfig } from '../../src/config/load.js';

interface Node {
  description?: string;
  properties?: Record<string, Node>;
  additionalProperties?: unknown;
  default?: unknown;
}

describe('configs/schema.json', () => {
  it('is up to date with the schema (vitest run test/config -u writes it)', async () => {
    await expect(formatJson(configJsonSchema())).toMatchFileSnapshot('../../configs/schema.json');
  });

  it('describes every key with its default, and allows no other keys', () => {
    const visit = (node: Node, path: string) => {
      expect(node.description, path).toMatch(/\w.*\.$/s);
      if (!node.properties) return;
      expect(node.additionalProperties, path).toBe(false);
      for (const [name, child] of Object.entries(node.properties)) visit(child, `${path}.${name}`);
    };
    const { $schema: _, ...sections } = (configJsonSchema() as Node).properties!;
    for (const [name, section] of Object.entries(sections)) visit(section, name);
    expect(sections.training?.properties?.steps?.default).toBe(300_000);
  });
});

describe('configKeys', () => {
  it('lists every key of a complete config', () => {
    const keys = configKeys();
    const config = resolveConfig({ losses: { lpips: { weight: 0 } }, data: { root: 'x' } });
    const visit = (value: object, prefix: string) => {
      for (const [name, child] of Object.entries(value)) {
        expect(keys).toContain(prefix + name);
        const isSection = typeof child === 'object' && child && !Array.isArray(child) && name !== 'channels';
        if (isSection) visit(child, `${prefix}${name}.`);
      }
    };
    visit(config, '');
    expect(keys).toContain('data.root');
  });
});
