// Makes text of files safe to show: control characters are written out, long values and deep ones are cut.

const hex = (code: number): string => `\\x${code.toString(16).padStart(2, '0')}`;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Returns a text whose control characters, which terminals act on, are written as `\xNN`; lines and tabs stay. */
export function visibleText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals act on these
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) =>
    hex(character.charCodeAt(0)),
  );
}

/** Returns a text on one line: all control characters are written out, as `\n`, `\r`, `\t` or `\xNN`. */
export function visibleLine(text: string): string {
  return visibleText(text.replace(/[\n\r\t]/g, (character) => NAMED[character]!));
}

/** Returns a text of at most so many characters; of a longer one, its start and end. */
export function shortText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const endLength = Math.floor(maxCharacters / 3);
  return `${text.slice(0, maxCharacters - endLength - 5)} ... ${text.slice(-endLength)}`;
}

/** Deeper values are shown as `...`. */
const MAX_DEPTH = 3;

/**
 * Returns a value as JSON for a message, cut to so many characters. It looks at no more of the value than it shows, which
 * may be deeper than the stack of calls.
 */
export function describeValue(value: unknown, maxCharacters = 60): string {
  const text = describe(value, maxCharacters + 1, MAX_DEPTH);
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}...` : text;
}

function describe(value: unknown, maxCharacters: number, depth: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, maxCharacters));
  // JSON has no word for infinity, which is what `1e400` reads as.
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  if (depth === 0) return `${open}...${close}`;
  let text = open!;
  for (const [key, item] of isList ? value.entries() : Object.entries(value)) {
    if (text.length > maxCharacters) break;
    const name = isList ? '' : `${describe(key, maxCharacters, depth)}:`;
    text += `${text === open ? '' : ','}${name}${describe(item, maxCharacters, depth - 1)}`;
  }
  return text + close;
}
