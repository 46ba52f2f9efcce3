// Loads protocols: those of the package by name, others from a file, with changes from the command line.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, messageOf, systemCode } from '../base/errors.js';
import { parseJson } from '../base/json-text.js';
import { parseOrThrow } from '../base/parse-or-throw.js';
import { METRIC_NAMES } from './metrics/chosen.js';
import type { MetricName } from './metrics/registry.js';
import { type Protocol, protocolSchema } from './protocol.js';

const FOLDER = fileURLToPath(new URL('../../configs/protocols', import.meta.url));

/** Names of the package's protocols. */
export function protocolNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json'))
    .map((file) => basename(file, '.json'))
    .sort();
}

/** Values that replace those of a protocol. */
export interface ProtocolChanges {
  metrics?: readonly string[] | undefined;
  styles?: number | undefined;
  seeds?: readonly number[] | undefined;
  direction?: 'A2B' | 'B2A' | undefined;
}

/**
 * Loads a protocol by name or file.
 *
 * @throws InputError for an unknown name, a damaged file, an unknown key or metric.
 */
export function loadProtocol(nameOrFile: string, changes: ProtocolChanges = {}): Protocol {
  const isFile = nameOrFile.endsWith('.json') || nameOrFile.includes('/');
  const names = protocolNames();
  if (!isFile && !names.includes(nameOrFile))
    throw new InputError({
      expected: `--protocol to be one of ${names.join(', ')}, or a .json file`,
      found: nameOrFile,
      remedy: 'use one of these names, or the path of a file',
    });
  const path = isFile ? nameOrFile : join(FOLDER, `${nameOrFile}.json`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'nothing' : messageOf(error);
    throw new InputError(
      { expected: `a protocol at ${path}`, found, remedy: 'name a JSON file that exists' },
      { cause: error },
    );
  }
  return withChanges(parseProtocol(parseJson(text, path), path), changes);
}

function parseProtocol(value: unknown, path: string): Protocol {
  return parseOrThrow(protocolSchema, value, {
    expected: `a protocol in ${path}`,
    remedy: 'correct it, after the examples in configs/protocols',
  });
}

function withChanges(protocol: Protocol, { metrics, styles, seeds, direction }: ProtocolChanges): Protocol {
  const unknown = metrics?.find((name) => !(METRIC_NAMES as string[]).includes(name));
  if (unknown !== undefined)
    throw new InputError({
      expected: `--metrics to name some of ${METRIC_NAMES.join(', ')}`,
      found: unknown,
      remedy: 'use names of this list',
    });
  const chosen = metrics?.map((name) => [name, protocol.metrics[name as MetricName] ?? {}]);
  const changed = Object.entries({ styles, seeds, direction }).flatMap(([key, value]) =>
    value === undefined ? [] : [key],
  );
  const note = `Changed on the command line: ${changed.join(', ')}.`;
  const values = {
    ...protocol,
    // Published figures hold for the unchanged protocol only, so a changed one gets another name.
    ...(changed.length > 0 && {
      name: `${protocol.name}, changed`,
      description: `${protocol.description} ${note}`.trim(),
    }),
    ...(direction !== undefined && { direction }),
    ...(seeds !== undefined && { seeds }),
    ...(styles !== undefined && { styles: { ...protocol.styles, perInput: styles } }),
    ...(chosen !== undefined && { metrics: Object.fromEntries(chosen) as Protocol['metrics'] }),
  };
  return parseProtocol(values, 'the command line');
}
