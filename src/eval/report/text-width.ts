const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
// biome-ignore lint/suspicious/noControlCharactersInRegex: these would steer the terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|.\ufe0f)/u;
const WITHOUT_WIDTH = /^[\p{Mark}\p{Format}]+$/u;

/** A text from outside as one line that cannot steer a terminal: control characters become `\ufffd`. */
export function printable(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

/** Columns of a terminal that a line takes: two for East Asian characters and emoji. */
export function widthOf(text: string): number {
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) width += widthOfOne(segment);
  return width;
}

function widthOfOne(grapheme: string): number {
  if (WITHOUT_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** The text, or its start with `…` where it is wider. */
export function cutTo(width: number, text: string): string {
  if (widthOf(text) <= width) return text;
  let start = '';
  let used = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    used += widthOfOne(segment);
    if (used > width - 1) break;
    start += segment;
  }
  return `${start}…`;
}

/** With spaces behind (or before) it, so wide. */
export function padTo(width: number, text: string, side: 'left' | 'right' = 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'right' ? text + spaces : spaces + text;
}

/**
 * A text in lines of at most `width`, broken between words, and within those that are wider.
 * @param hanging spaces before all lines but the first, where there is room for them.
 */
export function wrapTo(width: number, text: string, hanging = ''): string[] {
  const indent = hanging.length < width ? hanging : '';
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/u).filter((part) => part !== '')) {
    const joined = line === '' || line === indent ? line + word : `${line} ${word}`;
    if (widthOf(joined) <= width) {
      line = joined;
      continue;
    }
    if (line.trim() !== '') lines.push(line);
    const pieces = piecesOf(word, Math.max(1, width - widthOf(indent)));
    for (const piece of pieces.slice(0, -1)) lines.push((lines.length === 0 ? '' : indent) + piece);
    line = (lines.length === 0 ? '' : indent) + pieces.at(-1)!;
  }
  if (line.trim() !== '') lines.push(line);
  return lines;
}

function piecesOf(word: string, width: number): string[] {
  const pieces = [''];
  for (const { segment } of SEGMENTER.segment(word)) {
    const last = pieces.at(-1)!;
    if (last !== '' && widthOf(last) + widthOfOne(segment) > width) pieces.push(segment);
    else pieces[pieces.length - 1] = last + segment;
  }
  return pieces;
}
