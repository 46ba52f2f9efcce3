// Composes images into labelled grids, as PNG files.
import sharp, { type Exif } from 'sharp';
import type { DecodedImage } from '../data/decode.js';

const BACKGROUND = 255;
const TEXT_COLOUR = '#3f4450';
/** Mean width of a letter, in font sizes; a generous estimate, so that labels never overlap. */
const LETTER_WIDTH = 0.6;
const MAX_ROW_LABEL_CELLS = 2;

export interface GridOptions {
  /** Images row by row; null leaves a cell empty, and rows may differ in length. */
  rows: readonly (readonly (DecodedImage | null)[])[];
  /** Labels above the columns, from the first on. */
  columnLabels?: readonly string[];
  /** Labels left of the rows, from the first on. */
  rowLabels?: readonly string[];
  /** Side of a cell, px; images of another size are scaled to fit and centred. */
  cellSize: number;
  /** Space between cells and around the grid, px. */
  gap: number;
  /** EXIF data of the file; of several grids only that of the first is written. */
  exif?: Exif;
}

export interface Grid {
  /** The PNG file: RGB, 8 bits. */
  png: Buffer;
  width: number;
  height: number;
  /** False if labels were requested but omitted because the machine has no font; show them beside the image then. */
  isLabelled: boolean;
}

interface Layout {
  columns: number;
  left: number;
  top: number;
  width: number;
  height: number;
  fontSize: number;
}

/**
 * Composes images into one PNG, in rows and columns on white. On a machine without fonts, where text would be drawn as empty
 * boxes, the labels are omitted.
 *
 * @throws RangeError for a grid without cells, or a cell size that is not a positive whole number.
 */
export function composeGrid(options: GridOptions): Promise<Grid> {
  return stackGrids([options]);
}

/** Stacks several grids of `composeGrid` in one PNG, as wide as the widest. @throws RangeError as `composeGrid`. */
export async function stackGrids(grids: readonly GridOptions[]): Promise<Grid> {
  const drawn = await Promise.all(grids.map(drawGrid));
  const width = Math.max(...drawn.map((grid) => grid.width));
  const height = drawn.reduce((total, grid) => total + grid.height, 0);
  const pixels = new Uint8Array(width * height * 3).fill(BACKGROUND);
  let top = 0;
  for (const grid of drawn) {
    blit(pixels, width, grid, 0, top);
    top += grid.height;
  }
  const encoder = sharp(pixels, { raw: { width, height, channels: 3 } });
  if (grids[0]?.exif !== undefined) encoder.withExif(grids[0].exif);
  const png = await encoder
    .png({ compressionLevel: 6, adaptiveFiltering: true }) // half the bytes of level 9 without filters
    .toBuffer();
  return { png, width, height, isLabelled: drawn.every(({ isLabelled }) => isLabelled) };
}

async function drawGrid(options: GridOptions): Promise<DecodedImage & { isLabelled: boolean }> {
  const { rows, cellSize, gap } = options;
  const columns = Math.max(0, ...rows.map((row) => row.length));
  if (columns === 0) throw new RangeError('A grid needs at least one cell');
  if (!Number.isInteger(cellSize) || cellSize < 1)
    throw new RangeError(`the size of a cell must be a positive whole number of px, not ${cellSize}`);
  const wantsLabels = [...(options.columnLabels ?? []), ...(options.rowLabels ?? [])].some(
    (text) => text !== '',
  );
  const isLabelled = wantsLabels && (await canDrawText());
  const layout = layOut(options, columns, isLabelled);
  const { width, height } = layout;
  const pixels = new Uint8Array(width * height * 3).fill(BACKGROUND);
  for (const [y, row] of rows.entries()) {
    for (const [x, image] of row.entries()) {
      if (image === null) continue;
      const fitted = await scaleInto(image, cellSize);
      const left = layout.left + x * (cellSize + gap) + Math.floor((cellSize - fitted.width) / 2);
      const top = layout.top + y * (cellSize + gap) + Math.floor((cellSize - fitted.height) / 2);
      blit(pixels, width, fitted, left, top);
    }
  }
  if (!isLabelled) return { data: pixels, width, height, isLabelled: !wantsLabels };
  const data = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(labelsSvg(options, layout)) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { data, width, height, isLabelled };
}

function layOut(options: GridOptions, columns: number, isLabelled: boolean): Layout {
  const { cellSize, gap, rows, rowLabels = [], columnLabels = [] } = options;
  const fontSize = Math.min(22, Math.max(11, Math.round(cellSize / 9)));
  const longest = Math.max(0, ...rowLabels.slice(0, rows.length).map((text) => [...text].length));
  const labelWidth = Math.min(longest * fontSize * LETTER_WIDTH, MAX_ROW_LABEL_CELLS * cellSize);
  const hasRowLabels = isLabelled && longest > 0;
  const hasColumnLabels = isLabelled && columnLabels.some((text) => text !== '');
  const left = gap + (hasRowLabels ? Math.ceil(labelWidth + fontSize) : 0);
  const top = gap + (hasColumnLabels ? Math.round(fontSize * 1.6) : 0);
  return {
    columns,
    left,
    top,
    width: left + columns * (cellSize + gap),
    height: top + rows.length * (cellSize + gap),
    fontSize,
  };
}

/** Scales an image to fit into a cell, at its own aspect ratio. */
export async function scaleInto(image: DecodedImage, cellSize: number): Promise<DecodedImage> {
  const { data, width, height } = image;
  if (Math.max(width, height) === cellSize) return image;
  const scaled = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(cellSize, cellSize, { fit: 'inside' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: scaled.data, width: scaled.info.width, height: scaled.info.height };
}

function blit(pixels: Uint8Array, width: number, image: DecodedImage, left: number, top: number): void {
  const rowBytes = image.width * 3;
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * rowBytes, (y + 1) * rowBytes);
    pixels.set(row, ((top + y) * width + left) * 3);
  }
}

function labelsSvg(options: GridOptions, layout: Layout): string {
  const { cellSize, gap, rows, rowLabels = [], columnLabels = [] } = options;
  const { columns, fontSize, left, top } = layout;
  const texts: string[] = [];
  const place = (text: string, x: number, y: number, anchor: string, room: number) => {
    if (text === '') return;
    texts.push(
      `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeXml(shorten(text, room / fontSize))}</text>`,
    );
  };
  for (const [i, text] of columnLabels.slice(0, columns).entries()) {
    place(text, left + i * (cellSize + gap) + cellSize / 2, top - fontSize * 0.55, 'middle', cellSize + gap);
  }
  for (const [i, text] of rowLabels.slice(0, rows.length).entries()) {
    const middle = top + i * (cellSize + gap) + cellSize / 2;
    place(text, left - fontSize * 0.6, middle + fontSize * 0.35, 'end', left - gap - fontSize * 0.6);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${layout.height}" font-family="sans-serif" font-size="${fontSize}" fill="${TEXT_COLOUR}">${texts.join('')}</svg>`;
}

/** Shortens a label to the available width, in font sizes. */
function shorten(text: string, room: number): string {
  const letters = [...text];
  const maxLetters = Math.max(1, Math.floor(room / LETTER_WIDTH));
  return letters.length <= maxLetters ? text : `${letters.slice(0, Math.max(1, maxLetters - 1)).join('')}…`;
}

function escapeXml(text: string): string {
  // XML cannot represent control characters.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are to be removed
  const plain = text.replaceAll(/[\u0000-\u001f\u007f\ufffe\uffff]/g, ' ');
  return plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

let textProbe: Promise<boolean> | undefined;

/**
 * Returns whether text can be drawn. Without any font every letter becomes the same empty box, so it compares two letters of
 * different shape, once per process.
 */
export function canDrawText(): Promise<boolean> {
  textProbe ??= Promise.all([drawLetter('I'), drawLetter('W')]).then(([thin, wide]) => !thin.equals(wide));
  return textProbe;
}

function drawLetter(letter: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32"><text x="4" y="24" font-family="sans-serif" font-size="20">${letter}</text></svg>`;
  return sharp(Buffer.from(svg)).raw().toBuffer();
}
