import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CommandModule } from 'yargs';
import { InputError, InterruptedError, RunError } from '../../src/base/errors.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { commands } from '../../src/cli/commands.js';

let stderr = '';
let stdout = '';

beforeEach(() => {
  stderr = '';
  stdout = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += text;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const seen: unknown[] = [];

/** A command that does what the test says, with options of each kind. */
function probe(handler: () => void | Promise<void> = () => undefined): CommandModule[] {
  return [
    {
      command: 'probe <dir>',
      describe: 'Probe',
      builder: (yargs) =>
        yargs
          .option('steps', { type: 'number' })
          .option('set', { type: 'array', string: true })
          .option('style-image', { type: 'string' }),
      handler: async (args) => {
        seen.push(args);
        await handler();
      },
    },
  ];
}

describe('runCommandLine', () => {
  test('returns 0 for a command that succeeds', async () => {
    expect(await runCommandLine(['probe', 'x'], probe())).toBe(0);
    expect(stderr).toBe('');
  });

  test.each([
    [
      'an InputError',
      new InputError({ expected: 'a', found: 'b', remedy: 'do c' }),
      2,
      'gnr: Expected a but found b; do c.\n',
    ],
    ['a RunError', new RunError('The disk is full.'), 1, 'gnr: The disk is full.\n'],
    ['an InterruptedError', new InterruptedError('Stopped at step 7.'), 130, 'gnr: Stopped at step 7.\n'],
  ])('returns the exit code and prints the message of %s', async (_kind, error, code, text) => {
    const modules = probe(() => Promise.reject(error));
    expect(await runCommandLine(['probe', 'x'], modules)).toBe(code);
    expect(stderr).toBe(text);
  });

  test('returns 1 for an unexpected error, and prints its stack only with GNR_DEBUG', async () => {
    const modules = probe(() => {
      throw new TypeError('broken');
    });
    expect(await runCommandLine(['probe', 'x'], modules)).toBe(1);
    expect(stderr).toBe('gnr: unexpected error: broken\nSet GNR_DEBUG=1 to see where it comes from.\n');
    stderr = '';
    vi.stubEnv('GNR_DEBUG', '1');
    expect(await runCommandLine(['probe', 'x'], modules)).toBe(1);
    expect(stderr).toMatch(/TypeError: broken\n\s+at .*command-line\.test/);
  });

  test('returns the exit code that the command sets', async () => {
    const modules = probe(() => {
      process.exitCode = 2;
    });
    expect(await runCommandLine(['probe', 'x'], modules)).toBe(2);
    expect(process.exitCode).toBeUndefined();
  });
});

describe('runCommandLine with wrong usage', () => {
  test.each([
    [['proeb', 'x'], 'Unknown command proeb. Did you mean probe?'],
    [['probe', 'x', '--stesp', '3'], 'Unknown option --stesp. Did you mean --steps?'],
    [['probe', 'x', '--style-imag=f.png'], 'Unknown option --style-imag. Did you mean --style-image?'],
    [['probe', 'x', '--frobnicate'], 'Unknown option --frobnicate.'],
    [['probe', 'x', '--steps', '3', '--steps', '4'], 'Option --steps was given more than once.'],
    [['probe', 'x', '--steps'], 'Option --steps needs a value.'],
    [['probe', 'x', '--steps', '--set', 'a=1'], 'Option --steps needs a value.'],
    [['probe', 'x', '--style-image'], 'Option --style-image needs a value.'],
    [['probe', 'x', '--style-image', ''], 'Option --style-image needs a value.'],
    [['probe', 'x', '--style-image='], 'The value of style-image is empty.'],
    [['probe', ''], 'The value of dir is empty.'],
    [['probe', 'x', '--set', ''], 'Option --set needs a value.'],
    [['probe', 'x', '--steps', 'many'], 'The value of --steps is not a number.'],
    [['probe', 'x', '--no-style-image'], 'Unknown option --no-style-image.'],
    [['probe'], 'Not enough non-option arguments'],
    [['probe', 'x', 'y'], 'Unknown argument: y'],
    [[], 'Name a command.'],
  ])('rejects %j', async (argv, message) => {
    const count = seen.length;
    expect(await runCommandLine(argv, probe())).toBe(2);
    expect(stderr).toContain(`gnr: ${message}`);
    expect(stderr).toContain('--help');
    expect(stdout).toBe('');
    expect(seen).toHaveLength(count);
  });
});

test('runCommandLine collects the values of a repeated list option', async () => {
  expect(await runCommandLine(['probe', 'x', '--set', 'a=1', '--set', 'b=2'], probe())).toBe(0);
  expect(seen.at(-1)).toMatchObject({ dir: 'x', set: ['a=1', 'b=2'] });
});

test('runCommandLine accepts option values that start with a minus sign', async () => {
  expect(await runCommandLine(['probe', 'x', '--steps', '-1'], probe())).toBe(0);
  expect(seen.at(-1)).toMatchObject({ steps: -1 });
});

describe('every command of the project', () => {
  const names = commands.map((module) => String(module.command).split(' ')[0]!);

  test('has a name of its own and a description', () => {
    expect(new Set(names).size).toBe(names.length);
    for (const module of commands) expect(module.describe).toBeTruthy();
  });

  test.each(names)('gnr %s --help shows examples, or its commands', async (name) => {
    const log = vi.spyOn(console, 'log').mockImplementation((text) => {
      stdout += `${text}\n`;
    });
    expect(await runCommandLine([name, '--help'])).toBe(0);
    log.mockRestore();
    expect(stdout).toContain(`gnr ${name}`);
    expect(stdout).toMatch(/Examples:|Commands:/);
  });
});

describe('a lone -', () => {
  test.each([
    ['another command', ['probe', '-']],
    ['an option of another command', ['export', 'ck', '--format', 'pt', '--out', '-']],
    ['an option after =', ['translate', 'a.png', '--checkpoint', 'ck', '--out=-']],
    ['an option of translate', ['translate', 'a.png', '--checkpoint', 'ck', '--out', '-']],
  ])('is wrong usage in %s', async (_, words) => {
    expect(await runCommandLine(words)).toBe(2);
    expect(stderr).toMatch(/^gnr: A lone - is standard input/);
  });

  test('is standard input among the inputs of translate, after --grid too', async () => {
    const translate: CommandModule = {
      command: 'translate <inputs..>',
      describe: 'Probe',
      builder: (yargs) =>
        yargs
          .positional('inputs', { type: 'string', array: true })
          .option('grid', { type: 'boolean' })
          .option('out', { type: 'string' }),
      handler: (args) => void seen.push(args),
    };
    expect(await runCommandLine(['translate', '--out', 'x', '-', '--grid', '-'], [translate])).toBe(0);
    expect(seen.at(-1)).toMatchObject({ inputs: ['/dev/stdin', '/dev/stdin'], out: 'x', grid: true });
  });
});
