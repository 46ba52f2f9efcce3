// Declares commands to yargs, with the types of their arguments inferred from their options.
import type { Argv, CommandModule, InferredOptionTypes, Options } from 'yargs';

/** `dry-run` to `dryRun`, as yargs names the value of an option. */
type CamelCase<Name> = Name extends `${infer Word}-${infer Rest}`
  ? `${Word}${Capitalize<CamelCase<Rest>>}`
  : Name & string;

type CamelCased<T> = { [Name in keyof T as CamelCase<Name>]: T[Name] };

/** The arguments that a command gets: what the function that declares its options adds to yargs. */
export type ArgumentsOf<Declare extends (yargs: Argv) => Argv<object>> =
  ReturnType<Declare> extends Argv<infer T> ? CamelCased<T> : never;

/** The arguments that a table of options stands for. */
export type TableArguments<Table extends Record<string, Options>> = CamelCased<InferredOptionTypes<Table>>;

/** Declares a command. The types of its arguments end here, so that commands fit into one list. */
export function defineCommand<T>(command: {
  /** Its name and its positional arguments. */
  command: string;
  describe: string;
  builder: (yargs: Argv) => Argv<T>;
  handler: (args: CamelCased<T>) => Promise<void>;
}): CommandModule {
  return command as unknown as CommandModule;
}

/** Declares a command that only has commands of its own. @param missing the message if none of them is named. */
export function defineGroup(
  command: string,
  describe: string,
  commands: readonly CommandModule[],
  missing: string,
): CommandModule {
  return {
    command,
    describe,
    builder(yargs) {
      for (const module of commands) yargs.command(module);
      return yargs.demandCommand(1, missing);
    },
    handler: () => undefined,
  };
}
