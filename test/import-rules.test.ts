import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';

interface Rules {
  /** In order: a folder imports only folders above it in the table. */
  folders: Record<string, { is: string; imports: string[] }>;
  /** Packages that only these folders import. */
  packages: Record<string, string[]>;
}

interface Import {
  file: string;
  folder: string;
  /** A folder of src, or a package. */
  of: string;
}

let rules: Rules;
const imports: Import[] = [];

beforeAll(async () => {
  rules = JSON.parse(await readFile('import-rules.json', 'utf8')) as Rules;
  for (const name of await readdir('src', { recursive: true })) {
    const file = join('src', name);
    const [, folder, ...rest] = file.split(sep);
    if (!file.endsWith('.ts') || rest.length === 0) continue;
    const text = await readFile(file, 'utf8');
    for (const [, specifier] of text.matchAll(/(?:\bfrom|\bimport\(|\bimport|require\()\s*'([^']+)'/g)) {
      const isOwn = specifier!.startsWith('.');
      const [top, of] = normalize(join(dirname(file), specifier!)).split(sep);
      if (!isOwn) imports.push({ file, folder: folder!, of: specifier! });
      else if (top === 'src' && of !== folder) imports.push({ file, folder: folder!, of: of! });
    }
  }
});

test('import-rules.json has a rule for every folder of src and for no others', async () => {
  const entries = await readdir('src', { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(Object.keys(rules.folders).sort()).toEqual(folders.sort());
});

test('each folder may import only folders above it in the table', () => {
  const order = Object.keys(rules.folders);
  const upward = Object.entries(rules.folders).flatMap(([folder, { imports: allowed }]) =>
    allowed.filter((of) => order.indexOf(of) >= order.indexOf(folder)).map((of) => `${folder} -> ${of}`),
  );
  expect(upward).toEqual([]);
});

test('folders import exactly what the table allows', () => {
  const found = Object.fromEntries(Object.keys(rules.folders).map((folder) => [folder, new Set<string>()]));
  for (const { folder, of } of imports) if (of in rules.folders) found[folder]!.add(of);
  const order = Object.keys(rules.folders);
  const table = Object.fromEntries(
    Object.entries(found).map(([folder, names]) => [folder, order.filter((of) => names.has(of))]),
  );
  const allowed = Object.fromEntries(
    Object.entries(rules.folders).map(([folder, { imports: names }]) => [folder, names]),
  );
  expect(table).toEqual(allowed);
});

test('the only files outside of folders are the entries for Node and browsers, which no folder imports', () => {
  expect(imports.filter(({ of }) => /\.js$/.test(of) && !of.includes('/')).map(({ file }) => file)).toEqual(
    [],
  );
});

test('packages are imported only by the folders that the table lists', () => {
  const strays = imports.filter(({ folder, of }) => rules.packages[of]?.includes(folder) === false);
  expect(strays.map(({ file, of }) => `${file} imports ${of}`)).toEqual([]);
  for (const name of Object.keys(rules.packages)) expect(imports.map(({ of }) => of)).toContain(name);
});

describe('CONTRIBUTING.md', () => {
  test('shows the table', async () => {
    const rows = Object.entries(rules.folders).map(
      ([folder, { is, imports: names }]) => `| \`${folder}\` | ${is} | ${names.join(', ') || '-'} |`,
    );
    const text = (await readFile('CONTRIBUTING.md', 'utf8')).replaceAll(/ {2,}/g, ' ');
    expect(text).toContain(rows.join('\n'));
  });
});
