import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { type DecodedImage, decodeImage } from '../../src/data/decode.js';
import { openImage } from '../../src/data/image-file.js';

// Written by test/fixtures/image-formats/generate.py with Pillow, tifffile, imagecodecs and ffmpeg.
const FIXTURES = join(import.meta.dirname, '../fixtures/image-formats');

interface Cell {
  file: string;
  bits: string;
  channels: string;
  profile: string;
  orientation: string;
  alpha: string;
  truncation: string;
  /** The picture that must come out, within one level. */
  expected?: string;
  /** Words of the refusal. */
  refused?: string[];
  /** Files of the same group come out alike. */
  alike?: string;
  /** Set if the file is read although its end is missing. */
  note?: string;
}

const cells = JSON.parse(readFileSync(join(FIXTURES, 'index.json'), 'utf8')) as Cell[];
const pathOf = ({ file }: Cell): string => join(FIXTURES, 'files', file);

/** The properties of a file in words, without those that are usual. */
function titleOf({ bits, channels, profile, orientation, alpha, truncation, file }: Cell): string {
  const named = { profile, orientation, alpha, lacks: truncation };
  const parts = Object.entries(named).flatMap(([name, value]) => (value === '-' ? [] : [`${name} ${value}`]));
  return [`${file} (${channels}`, `bits ${bits}`, ...parts].join(', ').concat(')');
}

const titled = (list: readonly Cell[]): [string, Cell][] => list.map((cell) => [titleOf(cell), cell]);

function largestDifference(a: DecodedImage, b: DecodedImage): number {
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  return a.data.reduce((most, level, i) => Math.max(most, Math.abs(level - b.data[i]!)), 0);
}

async function expectedPicture(name: string): Promise<DecodedImage> {
  const { data, info } = await sharp(join(FIXTURES, 'expected', name))
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info.channels).toBe(3);
  return { data, width: info.width, height: info.height };
}

/** The message of the error with which a file is refused. */
async function refusal(decoding: Promise<unknown>): Promise<string> {
  const outcome = await decoding.then(
    () => 'it was decoded',
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(InputError);
  return (outcome as InputError).message;
}

describe('The reader of images', () => {
  it.each(titled(cells.filter(({ expected }) => expected !== undefined)))(
    'decodes %s to the picture that was written, within one level',
    async (_, cell) => {
      const decoded = await decodeImage(pathOf(cell));
      expect(largestDifference(decoded, await expectedPicture(cell.expected!))).toBeLessThanOrEqual(1);
      expect(await decodeImage(readFileSync(pathOf(cell)))).toEqual(decoded);
    },
  );

  it.each(titled(cells.filter(({ refused }) => refused !== undefined)))(
    'refuses %s, and says what it is and what to do',
    async (_, cell) => {
      const message = await refusal(decodeImage(pathOf(cell)));
      for (const word of cell.refused!) expect(message).toContain(word);
      expect(message).toMatch(/^Expected an? .* at .* but found .*; [a-z].*\.$/);
      // Only what is cut off is called that.
      if (cell.truncation === '-') expect(message).not.toMatch(/damaged|truncated/);
    },
  );

  it.each([...new Set(cells.flatMap(({ alike }) => alike ?? []))])(
    'decodes the files of four inks of the group %s alike, within one level',
    async (group) => {
      const [first, ...rest] = cells.filter(({ alike }) => alike === group);
      const reference = await decodeImage(pathOf(first!));
      expect(rest.length).toBeGreaterThan(0);
      for (const cell of rest)
        expect(largestDifference(await decodeImage(pathOf(cell)), reference), cell.file).toBeLessThanOrEqual(
          1,
        );
    },
  );

  it('notes a missing end marker of exactly those files that lack one', async () => {
    const readable = cells.filter(({ refused }) => refused === undefined);
    for (const cell of readable) {
      const { facts } = await openImage(pathOf(cell));
      expect(facts.flaw !== undefined, cell.file).toBe(cell.note === 'incomplete');
    }
  });

  it('covers each property: every cell is either a picture, a group or a refusal', () => {
    for (const { file, expected, refused, alike } of cells)
      expect([expected, refused, alike].filter((entry) => entry !== undefined).length, file).toBe(1);
  });

  it('decodes every readable file in another size too', async () => {
    for (const cell of cells.filter(({ refused }) => refused === undefined)) {
      const { width, height } = await decodeImage(pathOf(cell), { size: 8 });
      expect([width, height], cell.file).toEqual([8, 8]);
    }
  });
});

describe('Pictures from reports of users', () => {
  const FIELD = join(import.meta.dirname, '../fixtures/image-field');
  const at = ({ data, width }: DecodedImage, x: number, y: number): number[] => [
    ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
  ];

  // The values that Pillow and tifffile read there, at (9, 5) and (40, 20).
  it.each([
    ['picture.bmp', [36, 36, 36], [160, 160, 160]],
    ['photo.jfif', [255, 11, 0], [0, 255, 1]],
    ['no-eoi.jpg', [255, 11, 0], [0, 255, 1]],
    ['float-grey.tif', [36, 36, 36], [162, 162, 162]],
    ['uint32-rgb.tif', [36, 36, 36], [162, 162, 162]],
  ])('%s comes out right', async (name, first, second) => {
    const image = await decodeImage(join(FIELD, name));
    for (const [found, wanted] of [
      [at(image, 9, 5), first],
      [at(image, 40, 20), second],
    ])
      for (const [c, level] of wanted!.entries())
        expect(Math.abs(found![c]! - level), `${name}, channel ${c}`).toBeLessThanOrEqual(1);
  });

  it('photo.heic is refused by its kind under any name', async () => {
    const bytes = readFileSync(join(FIELD, 'photo.heic'));
    expect(await refusal(decodeImage(bytes, { name: 'photo.jpg' }))).toMatch(
      /^Expected an image at photo\.jpg but found a HEIC image; convert it to JPEG first: .*heif-convert/,
    );
  });
});
