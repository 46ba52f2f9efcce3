// Parses a command line, runs its command, and turns errors into messages and exit codes.
import { createRequire } from 'node:module';
import yargs, { type CommandModule } from 'yargs';
import {
  EXIT_FAILED,
  EXIT_USAGE,
  InputError,
  InterruptedError,
  messageOf,
  PeerError,
  ReportedElsewhereError,
  RunError,
} from '../base/errors.js';
import { nearestName } from '../base/suggest.js';
import { preferGpu } from '../runtime/gpu-choice.js';
import { commands } from './commands.js';
import { printError } from './output.js';

export const EXIT_DONE = 0;
export const EXIT_INTERRUPTED = 130;

/** Wrong words on the command line. */
class UsageError extends Error {}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)('../../package.json');
  return (manifest as { version: string }).version;
}

function buildParser(argv: readonly string[], modules: readonly CommandModule[]) {
  let parser = yargs([...argv])
    .scriptName('gnr')
    .usage("$0 <command>\n\nGANs N' Roses: diverse image-to-anime translation.")
    .version(version())
    // --no-out would set out to false.
    .parserConfiguration({ 'boolean-negation': false })
    .alias('help', 'h')
    .option('gpu', {
      type: 'number',
      describe: 'GPU to compute on, as nvidia-smi counts them [the one with most free memory]',
    })
    .middleware(({ gpu }) => preferGpu(gpu as number | undefined))
    .strict()
    .demandCommand(1, 'Name a command.')
    .wrap(Math.min(110, process.stdout.columns ?? 80))
    .exitProcess(false);
  for (const module of modules) parser = parser.command(module);
  return parser
    .check(rejectRepeats, true)
    .check((parsed, options) => rejectMissingValues(argv, parsed, options), true);
}

/** The options of each kind, which yargs passes to check functions; its types call them aliases. */
interface KnownOptions {
  array: string[];
  string: string[];
  number: string[];
}

/** Rejects a repeated option, which would reach its command as a list instead of a single value. */
function rejectRepeats(parsed: Record<string, unknown>, options: unknown): true {
  const lists = (options as KnownOptions).array.map(camelCase);
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_' || !Array.isArray(value) || lists.includes(camelCase(name))) continue;
    throw new UsageError(`Option --${name} was given more than once.`);
  }
  return true;
}

/**
 * Rejects options whose value is missing, empty or not a number. yargs would take the default for a missing one; an empty
 * one comes from a shell variable that is not set, and as a path it would mean the working directory.
 */
function rejectMissingValues(
  argv: readonly string[],
  parsed: Record<string, unknown>,
  options: unknown,
): true {
  const { string, number } = options as KnownOptions;
  const valued = new Set([...string, ...number].map(camelCase));
  for (const [i, word] of argv.entries()) {
    const name = /^--([a-z][\w-]*)$/.exec(word)?.[1];
    if (name !== undefined && valued.has(camelCase(name)) && /^(--?[a-z]|$)/i.test(argv[i + 1] ?? ''))
      throw new UsageError(`Option --${name} needs a value.`);
  }
  for (const [name, value] of Object.entries(parsed)) {
    if (value === '' || (Array.isArray(value) && value.includes('')))
      throw new UsageError(`The value of ${name === '_' ? 'an argument' : name} is empty.`);
    if (Number.isNaN(value)) throw new UsageError(`The value of --${name} is not a number.`);
  }
  return true;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** @returns the option names in the help text of the command that an argument list names. */
async function knownFlags(argv: readonly string[], modules: readonly CommandModule[]): Promise<string[]> {
  const words = argv.filter((word) => !word.startsWith('-'));
  const commandLine = words.slice(0, 2);
  const help = await new Promise<string>((resolve) => {
    buildParser([], modules).parse(
      [...commandLine, '--help'],
      (_error: unknown, _argv: unknown, out: string) => resolve(out),
    );
  });
  return [...help.matchAll(/--([a-z][\w-]*)/g)].map((match) => match[1]!);
}

/** @returns yargs' message about wrong usage, as one line with a suggestion. */
async function usageMessage(
  error: Error,
  argv: readonly string[],
  modules: readonly CommandModule[],
): Promise<string> {
  const lines = error.message.split('\n').map((line) => line.trim());
  let message = lines.filter((line) => line !== '').join(' ');
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ') ?? [];
  const flags = unknown.filter((name) => argv.some((word) => word.split('=')[0] === `--${name}`));
  if (flags.length > 0) {
    const known = await knownFlags(argv, modules);
    message = [...new Set(flags)]
      .map((name) => {
        const near = nearestName(name, known);
        return `Unknown option --${name}.${near ? ` Did you mean --${near}?` : ''}`;
      })
      .join(' ');
  } else if (unknown[0] !== undefined && unknown[0] === argv[0]) {
    const names = modules.map((module) => String(module.command).split(' ')[0]!);
    const near = nearestName(unknown[0], names);
    message = `Unknown command ${unknown[0]}.${near ? ` Did you mean ${near}?` : ''}`;
  }
  return message;
}

/** The exit code that an error means. */
function exitCodeOf(error: unknown): number {
  if (error instanceof ReportedElsewhereError) return exitCodeOf(error.cause);
  if (error instanceof InterruptedError) return EXIT_INTERRUPTED;
  const isInput = error instanceof InputError || (error instanceof PeerError && error.isInput);
  return isInput || error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

/** Reports an error on standard error and returns the exit code that it means. */
function reportError(error: unknown): number {
  const message = messageOf(error);
  const code = exitCodeOf(error);
  if (error instanceof ReportedElsewhereError) return code;
  if (error instanceof UsageError)
    printError(`gnr: ${message}\nRun gnr --help, or gnr <command> --help, to see commands and options.`);
  else if (error instanceof InterruptedError) printError(`gnr: ${message}`);
  else if (process.env.GNR_DEBUG === '1' && error instanceof Error) printError(error.stack ?? message);
  else if (code === EXIT_USAGE || error instanceof RunError || error instanceof PeerError)
    printError(`gnr: ${message}`);
  else printError(`gnr: unexpected error: ${message}\nSet GNR_DEBUG=1 to see where it comes from.`);
  return code;
}

/**
 * Rewrites two things that yargs would lose: a lone `-` among the inputs of `translate` becomes the path of standard
 * input, and lists of numbers that begin with a minus become one word with their option.
 *
 * @throws UsageError for `-` anywhere else: it would be the name of a file.
 */
function spellOut(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (const word of argv) {
    const last = words.at(-1);
    const isValue = last !== undefined && /^--[a-z][\w-]*$/.test(last) && last !== '--grid';
    if (isValue && /^-\.?\d.*,/.test(word)) words[words.length - 1] = `${last}=${word}`;
    else if (word !== '-' && !/^--[a-z][\w-]*=-$/.test(word)) words.push(word);
    else if (word === '-' && argv[0] === 'translate' && !isValue) words.push('/dev/stdin');
    else
      throw new UsageError(
        'A lone - is standard input, which only gnr translate reads, as an image; name a file (./- for one of that name).',
      );
  }
  return words;
}

/**
 * Runs one command line.
 * @param words the words after the program's name.
 * @param modules the commands.
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted.
 */
export async function runCommandLine(
  words: readonly string[],
  modules: readonly CommandModule[] = commands,
): Promise<number> {
  const before = process.exitCode;
  process.exitCode = undefined;
  let argv = words;
  try {
    argv = spellOut(words);
    const parser = buildParser(argv, modules).fail((message, error) => {
      // If a handler threw, yargs passes its error on.
      if (error && error.name !== 'YError') throw error;
      throw new UsageError(message ?? error?.message ?? 'wrong usage');
    });
    await parser.parseAsync();
    return Number(process.exitCode ?? EXIT_DONE);
  } catch (error) {
    if (!(error instanceof UsageError)) return reportError(error);
    return reportError(new UsageError(await usageMessage(error, argv, modules)));
  } finally {
    process.exitCode = before;
  }
}
