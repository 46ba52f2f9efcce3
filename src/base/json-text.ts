// Parses JSON with errors that name line and column, and formats it as a formatter would.
import { InputError } from './errors.js';

const LINE_WIDTH = 110;
/** Deeper values are refused: they would exhaust the stack of calls of whatever walks through them. */
const MAX_DEPTH = 200;

/**
 * Parses JSON as `JSON.parse` does, with an error message that names file, line and column.
 * @param name the name of the text in the message: a file's path.
 * @throws InputError if the text is not JSON, or nested more than 200 deep.
 */
export function parseJson(text: string, name: string): unknown {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let cause: unknown;
  try {
    const value: unknown = JSON.parse(source);
    if (!isDeep(value)) return value;
  } catch (error) {
    cause = error;
  }
  const fault = findJsonFault(source);
  const before = source.slice(0, fault.offset).split('\n');
  const place = `${name}, line ${before.length}, column ${before.at(-1)!.length + 1}`;
  const found =
    fault.offset < source.length ? describeCharacter(source, fault.offset) : 'the end of the file';
  throw new InputError(
    { expected: `${fault.expected} (${place})`, found, remedy: 'correct the JSON there' },
    { cause },
  );
}

/** Whether lists and objects are nested more than MAX_DEPTH deep. */
function isDeep(value: unknown): boolean {
  const isNested = (item: unknown): item is object => typeof item === 'object' && item !== null;
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MAX_DEPTH) return true;
    level = level.flatMap((item) => Object.values(item).filter(isNested));
  }
  return false;
}

/**
 * Formats JSON with an indent of two spaces and lists of plain values on one line if they fit, so that a code formatter
 * has nothing to change. Ends with a newline.
 */
export function formatJson(value: unknown): string {
  return `${formatValue(value, '', 0)}\n`;
}

function formatValue(value: unknown, indent: string, used: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => formatValue(item, inner, inner.length));
    const line = `[${items.join(', ')}]`;
    const plain = value.every((item) => typeof item !== 'object' || item === null);
    if (items.length === 0 || (plain && used + line.length < LINE_WIDTH)) return line;
    return `[\n${items.map((item) => inner + item).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, item]) => {
    const start = `${inner}${JSON.stringify(key)}: `;
    return start + formatValue(item, inner, start.length);
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function describeCharacter(source: string, offset: number): string {
  const rest = source.slice(offset);
  if (rest.startsWith('//') || rest.startsWith('/*')) return 'a comment';
  const character = String.fromCodePoint(rest.codePointAt(0)!);
  return character < ' ' ? `the control character ${JSON.stringify(character)}` : `"${character}"`;
}

interface Fault {
  offset: number;
  expected: string;
}

/** Finds where a text stops being JSON. The engine's own message gives no position for most faults. */
function findJsonFault(source: string): Fault {
  const scanner: Scanner = new Scanner(source);
  try {
    scanner.value();
    scanner.reject('nothing after the value');
  } catch (fault) {
    if (fault instanceof FaultSignal) return { offset: fault.offset, expected: fault.expected };
    throw fault;
  }
}

class FaultSignal extends Error {
  constructor(
    readonly offset: number,
    readonly expected: string,
  ) {
    super(expected);
  }
}

/** Reads JSON without building values, to find the first character that does not fit. */
class Scanner {
  private at = 0;
  private depth = 0;

  constructor(private readonly source: string) {}

  reject(expected: string): never {
    throw new FaultSignal(this.at, expected);
  }

  value(): void {
    this.space();
    const opens = this.peek();
    if (this.depth === MAX_DEPTH && (opens === '{' || opens === '['))
      this.reject(`values that are nested at most ${MAX_DEPTH} deep`);
    this.depth++;
    if (this.take(/\{/y)) this.list('}', () => this.member());
    else if (this.take(/\[/y)) this.list(']', () => this.value());
    else if (this.peek() === '"') this.string('a string');
    else if (!this.take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y)) {
      this.reject('a JSON value');
    }
    this.depth--;
    this.space();
  }

  private list(close: string, item: () => void): void {
    this.space();
    if (this.peek() === close) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.space();
      if (this.peek() === close) {
        this.at++;
        return;
      }
      if (this.peek() !== ',') this.reject(`"," or "${close}"`);
      this.at++;
    }
  }

  private member(): void {
    this.space();
    this.string('a key in double quotes');
    this.space();
    if (this.peek() !== ':') this.reject('":" after the key');
    this.at++;
    this.value();
  }

  private string(expected: string): void {
    if (this.peek() !== '"') this.reject(expected);
    this.at++;
    // A loop, since one expression for the whole string keeps a place of each character to go back to.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these
    while (this.take(/[^"\\\u0000-\u001f]{1,1000}|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y));
    if (this.peek() !== '"') this.reject('a string that ends on its line, with valid escapes');
    this.at++;
  }

  private space(): void {
    this.take(/[ \t\r\n]+/y);
  }

  private peek(): string | undefined {
    return this.source[this.at];
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.source);
    if (match) this.at = pattern.lastIndex;
    return match !== null;
  }
}
