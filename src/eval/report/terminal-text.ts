// Text for terminals: made safe, padded, cut and wrapped by the columns that it takes.
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

// biome-ignore lint/suspicious/noControlCharactersInRegex: these would steer the terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A text as one line that cannot steer a terminal: control characters become `\ufffd`. */
export function printable(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

/** Number of columns of the widest line. */
export function maxWidth(lines: readonly string[]): number {
  return Math.max(0, ...lines.map((line) => stringWidth(line)));
}

/** The text, or its start with `…` if it is wider. */
export function cutTo(width: number, text: string): string {
  if (stringWidth(text) <= width) return text;
  return `${wrapAnsi(text, width - 1, { hard: true, wordWrap: false, trim: false }).split('\n')[0]}…`;
}

/** The text with spaces after it (or before it) up to a width. */
export function padTo(width: number, text: string, side: 'left' | 'right' = 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return side === 'right' ? text + spaces : spaces + text;
}

/**
 * Wraps a text to lines of at most `width` columns, between words, and within words that are wider.
 * @param hanging spaces before all lines but the first, if they leave room.
 */
export function wrapTo(width: number, text: string, hanging = ''): string[] {
  const indent = hanging.length < width ? hanging : '';
  const lines = wrapAnsi(text, width - indent.length, { hard: true }).split('\n');
  return lines.filter((line) => line !== '').map((line, i) => (i === 0 ? line : indent + line));
}
