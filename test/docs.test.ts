// The documentation: its links, paths, config keys and commands exist, and those that take seconds run.
import { mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, normalize, resolve } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Argv, CommandModule } from 'yargs';
import { commands } from '../src/cli/commands.js';
import { gnr, gnrWith } from './support/gnr.js';

interface Page {
  path: string;
  /** Without code blocks. */
  prose: string;
  blocks: { lines: string[]; isRun: boolean }[];
  text: string;
}

/** Stands above the blocks whose commands are run. */
const RUN_MARK = '<!-- test/docs.test.ts runs these commands. -->';
/** Folders that commands make and git ignores. */
const GENERATED = ['docs/api', 'examples/browser/public/model'];
const FILE_EXTENSION = /\.(safetensors|jsonl?|onnx|ts|m?js|pt)$/;

const pages: Page[] = [];
let source = '';

beforeAll(async () => {
  const docs = (await readdir('docs')).filter((name) => name.endsWith('.md')).sort();
  const paths = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md'];
  for (const path of [...paths, ...docs.map((name) => join('docs', name))])
    pages.push(parsePage(path, await readFile(path, 'utf8')));
  source = await readSources();
});

function parsePage(path: string, text: string): Page {
  const page: Page = { path, text, prose: '', blocks: [] };
  const prose: string[] = [];
  let block: string[] | undefined;
  let isFenced = false;
  let isMarked = false;
  for (const line of text.split('\n')) {
    const isFence = line.startsWith('```');
    const isCode = isFenced || isFence || (line.startsWith('    ') && (block || prose.at(-1)?.trim() === ''));
    if (isFence) isFenced = !isFenced;
    if (isCode) {
      if (block === undefined) {
        block = [];
        page.blocks.push({ lines: block, isRun: isMarked });
        isMarked = false;
      }
      if (!isFence) block.push(line.replace(/^ {4}/, ''));
      continue;
    }
    block = undefined;
    if (line === RUN_MARK) isMarked = true;
    prose.push(line);
  }
  page.prose = prose.join('\n');
  return page;
}

/** Everything that the program can say, with `...` in place of what is filled in. */
async function readSources(): Promise<string> {
  const files: string[] = [];
  for (const folder of ['src', 'web/src', 'bin'])
    for (const name of await readdir(folder, { recursive: true }))
      if (/\.(ts|mjs)$/.test(name)) files.push(await readFile(join(folder, name), 'utf8'));
  const joined = files.join('\n').replace(/['`]\s*\+\s*['`]/g, '');
  let filled = joined;
  for (let before = ''; before !== filled; ) {
    before = filled;
    filled = filled.replace(/\$\{[^{}]*\}/g, '...');
  }
  return `${joined}\n${filled.replaceAll("\\'", "'")}`;
}

function inlineCode(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
}

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf({ prose }: Page): string[] {
  const counts = new Map<string, number>();
  return [...prose.matchAll(/^#{1,6} (.*)$/gm)].map((match) => {
    const anchor = match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    const count = counts.get(anchor) ?? 0;
    counts.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

it('every relative link and anchor leads somewhere', async () => {
  const broken: string[] = [];
  for (const page of pages) {
    const prose = page.prose.replace(/`[^`\n]*`/g, '');
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [file, anchor] = target!.split('#') as [string, string | undefined];
      const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
      const linked = pages.find((other) => other.path === path);
      const isGood =
        anchor === undefined ? await isThere(path) : linked && anchorsOf(linked).includes(anchor);
      if (!isGood) broken.push(`${page.path}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

it('every path of the repository that is named exists', async () => {
  const missing: string[] = [];
  const named =
    /(?<![\w/.-])(?:\.\.\/)?((?:src|web|test|configs|scripts|bench|docs|examples|models|native)\/[\w./-]*\w)/g;
  for (const { path, text } of pages)
    for (const [, file] of text.matchAll(named))
      if (!GENERATED.includes(file!) && !(await isThere(file!))) missing.push(`${path}: ${file}`);
  expect(missing).toEqual([]);
});

it('every function that is named in the form name() exists', () => {
  const missing = pages.flatMap(({ path, prose }) =>
    inlineCode(prose)
      .flatMap((code) => /^([A-Za-z]\w*)\(\)$/.exec(code)?.[1] ?? [])
      .filter((name) => !new RegExp(`\\b${name}\\b`).test(source) && name !== 'gnr' && name !== 'import')
      .map((name) => `${path}: ${name}()`),
  );
  expect(missing).toEqual([]);
});

interface SchemaNode {
  properties?: Record<string, SchemaNode>;
  anyOf?: SchemaNode[];
}

function keysOf(node: SchemaNode, prefix = ''): string[] {
  const below = Object.entries(node.properties ?? {}).flatMap(([name, child]) => [
    `${prefix}${name}`,
    ...keysOf(child, `${prefix}${name}.`),
  ]);
  return [...below, ...(node.anyOf ?? []).flatMap((choice) => keysOf(choice, prefix))];
}

it('every config key that is named is in the schema', async () => {
  const keys = keysOf(JSON.parse(await readFile('configs/schema.json', 'utf8')) as SchemaNode);
  const sections = keys.filter((key) => !key.includes('.') && key !== '$schema').join('|');
  const isKey = new RegExp(`^(?:${sections})\\.[A-Za-z0-9.]+$`);
  const unknown = pages.flatMap(({ path, prose, text }) => {
    const inProse = inlineCode(prose).map((code) => code.replace(/^--set /, '').split('=')[0]!);
    const inCommands = [...text.matchAll(/--set ([a-z][\w.]*)=/g)].map((match) => match[1]!);
    return [...inProse.filter((key) => isKey.test(key) && !FILE_EXTENSION.test(key)), ...inCommands]
      .filter((key) => !keys.includes(key))
      .map((key) => `${path}: ${key}`);
  });
  expect(unknown).toEqual([]);
});

it('every message of the troubleshooting page is one of the program', () => {
  const page = pages.find(({ path }) => path === 'docs/troubleshooting.md')!;
  const rows = page.prose.split('\n').filter((line) => line.startsWith('| `'));
  const messages = rows.flatMap((row) => inlineCode(row.split(' | ')[0]!));
  const stale = messages.filter((message) => {
    const fragments = message.replace(/^Expected /, '').split(/\.\.\.| but found /);
    return fragments.some((fragment) => fragment.trim().length > 4 && !source.includes(fragment.trim()));
  });
  expect(messages.length).toBeGreaterThan(100);
  expect(stale.filter((message) => !/^(kill -9|npx gnr|watch\.)/.test(message))).toEqual([]);
});

/** The command lines of `npx gnr` in a block, without the program's name. */
function commandsIn(lines: readonly string[]): string[][] {
  const joined = lines.join('\n').replace(/\\\n\s*/g, '');
  return joined.split(/\n|&&|(?<!\|)\|(?!\|)/).flatMap((line) => {
    const command = /^\s*(?:[A-Z_]+=\S+ )*npx gnr\b(.*)$/.exec(line.replace(/ # .*$/, ''))?.[1];
    return command === undefined ? [] : [splitWords(command)];
  });
}

function splitWords(command: string): string[] {
  return [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word.replace(/["']/g, ''));
}

/** The same command, and those below it, with handlers that do nothing. */
function withoutWork(module: CommandModule): CommandModule {
  const { builder } = module;
  if (typeof builder !== 'function') return { ...module, handler: () => undefined };
  const quiet = (yargs: Argv) => {
    const declare = yargs.command.bind(yargs) as (below: CommandModule) => Argv;
    yargs.command = ((below: CommandModule) => declare(withoutWork(below))) as unknown as Argv['command'];
    return builder(yargs);
  };
  return { ...module, builder: quiet as CommandModule['builder'], handler: () => undefined };
}

describe('commands', () => {
  it('every gnr command that is shown has options and values that the command line takes', async () => {
    const parsed = commands.map(withoutWork);
    const wrong: string[] = [];
    let count = 0;
    for (const { path, blocks } of pages)
      for (const words of blocks.flatMap(({ lines }) => commandsIn(lines))) {
        count++;
        const { code, stderr } = await gnrWith(parsed, words);
        if (code !== 0) wrong.push(`${path}: gnr ${words.join(' ')}: ${stderr}`);
      }
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(40);
  });

  it('an unknown option of a subcommand is noticed', async () => {
    const parsed = commands.map(withoutWork);
    expect((await gnrWith(parsed, ['weights', 'list', '--nothing'])).code).toBe(2);
    expect((await gnrWith(parsed, ['translate', 'me.jpg', '--checkpoint', 'run', '--out', 'x'])).code).toBe(
      0,
    );
  });

  describe('in a folder of their own', () => {
    const home = process.cwd();
    let folder = '';

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gnr-docs-'));
      for (const name of ['models', 'configs', 'examples'])
        await symlink(resolve(name), join(folder, name), 'dir');
      process.chdir(folder);
    });
    afterAll(async () => {
      process.chdir(home);
      await rm(folder, { recursive: true, force: true });
    });

    it('those that take seconds run as they are shown', async () => {
      const shown = pages.flatMap(({ blocks }) => blocks.filter(({ isRun }) => isRun));
      const lines = shown.flatMap((block) => commandsIn(block.lines));
      for (const words of lines) {
        const { code, stderr } = await gnr(...words);
        expect(code, `gnr ${words.join(' ')}: ${stderr}`).toBe(0);
      }
      expect(lines.map(([name]) => name)).toEqual(
        expect.arrayContaining(['--help', 'dataset', 'translate', 'export', 'weights']),
      );
    });
  });
});
