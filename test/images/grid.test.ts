import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';
import { describe, expect, it } from 'vitest';
import type { DecodedImage } from '../../src/data/decode.js';
import { canDrawText, composeGrid, stackGrids } from '../../src/images/grid.js';

type Colour = readonly [number, number, number];
const WHITE: Colour = [255, 255, 255];
const RED: Colour = [200, 10, 20];
const BLUE: Colour = [10, 20, 200];

function plain(colour: Colour, width: number, height = width): DecodedImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = colour[i % 3]!;
  return { data, width, height };
}

async function decode(png: Buffer) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [
    ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
  ];
  return { info, at };
}

describe('composeGrid', () => {
  it('places images in rows and columns with gaps, empty cells too', async () => {
    const grid = await composeGrid({
      rows: [
        [plain(RED, 8), plain(BLUE, 8)],
        [null, plain(RED, 8)],
      ],
      cellSize: 8,
      gap: 2,
    });
    const { info, at } = await decode(grid.png);
    expect([info.width, info.height, info.channels]).toEqual([22, 22, 3]);
    expect([grid.width, grid.height, grid.isLabelled]).toEqual([22, 22, true]);
    expect(at(2, 2)).toEqual(RED);
    expect(at(9, 9)).toEqual(RED);
    expect(at(10, 5)).toEqual(WHITE);
    expect(at(12, 2)).toEqual(BLUE);
    expect(at(5, 15)).toEqual(WHITE);
    expect(at(19, 19)).toEqual(RED);
    expect(at(21, 21)).toEqual(WHITE);
  });

  it('scales other sizes into the cell, centred and at their own shape', async () => {
    const grid = await composeGrid({ rows: [[plain(RED, 40, 20), plain(BLUE, 4)]], cellSize: 16, gap: 0 });
    const { at } = await decode(grid.png);
    expect(at(8, 3)).toEqual(WHITE);
    expect(at(8, 4)).toEqual(RED);
    expect(at(8, 11)).toEqual(RED);
    expect(at(8, 12)).toEqual(WHITE);
    expect(at(16, 0)).toEqual(BLUE);
    expect(at(31, 15)).toEqual(BLUE);
  });

  it('accepts rows of different lengths', async () => {
    const grid = await composeGrid({
      rows: [[plain(RED, 4)], [plain(RED, 4), plain(BLUE, 4)]],
      cellSize: 4,
      gap: 1,
    });
    const { at } = await decode(grid.png);
    expect(at(7, 2)).toEqual(WHITE);
    expect(at(7, 7)).toEqual(BLUE);
  });

  it('draws any label text outside the cells if there is a font', async () => {
    const rows = [[plain(RED, 64), plain(BLUE, 64)]];
    const labels = {
      columnLabels: ['<script>&"', 'a label far too long for its cell'],
      rowLabels: ['a\u0000b\u0007 \ud800.png'],
    };
    const bare = await composeGrid({ rows, cellSize: 64, gap: 4 });
    const grid = await composeGrid({ rows, ...labels, cellSize: 64, gap: 4 });
    expect(grid.isLabelled).toBe(await canDrawText());
    if (!grid.isLabelled) {
      expect(grid.png.equals(bare.png)).toBe(true);
      return;
    }
    const { info, at } = await decode(grid.png);
    expect(info.channels).toBe(3);
    expect(at(info.width - 5, info.height - 5)).toEqual(BLUE);
    const label = [];
    for (let x = 0; x < info.width - 2 * 68; x++) label.push(...at(x, info.height - 36));
    expect(Math.min(...label)).toBeLessThan(200);
  });

  it('composes the same bytes every time', async () => {
    const options = { rows: [[plain(RED, 30)]], columnLabels: ['input'], cellSize: 20, gap: 3 };
    expect((await composeGrid(options)).png.equals((await composeGrid(options)).png)).toBe(true);
  });

  it('rejects a grid without cells', async () => {
    await expect(composeGrid({ rows: [[], []], cellSize: 8, gap: 1 })).rejects.toThrow(RangeError);
    await expect(composeGrid({ rows: [[null]], cellSize: 0, gap: 1 })).rejects.toThrow(RangeError);
  });
});

it('stackGrids stacks grids of different widths', async () => {
  const grids = [
    { rows: [[plain(RED, 8)]], cellSize: 8, gap: 1 },
    { rows: [[plain(BLUE, 8), plain(RED, 8)]], cellSize: 8, gap: 1 },
  ];
  const grid = await stackGrids(grids);
  const { info, at } = await decode(grid.png);
  expect([info.width, info.height, grid.width, grid.height]).toEqual([19, 20, 19, 20]);
  expect([at(1, 1), at(10, 1), at(1, 11), at(10, 11)]).toEqual([RED, WHITE, BLUE, RED]);
});

describe('composeGrid on a machine without fonts', () => {
  it('omits the labels and reports that', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gnr-fonts-'));
    try {
      const settings = join(folder, 'fonts.conf');
      await writeFile(settings, '<?xml version="1.0"?><fontconfig></fontconfig>');
      // The font settings are read once for a process, so this needs one of its own.
      const source = await readFile(new URL('../../src/images/grid.ts', import.meta.url), 'utf8');
      const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 };
      const script = `${transpileModule(source, { compilerOptions }).outputText}
        const rows = [[{ data: new Uint8Array(48), width: 4, height: 4 }]];
        const { png, ...grid } = await composeGrid({ rows, columnLabels: ['input'], cellSize: 4, gap: 1 });
        process.stdout.write(JSON.stringify(grid));`;
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, FONTCONFIG_FILE: settings },
      });
      expect(JSON.parse(stdout)).toEqual({ width: 6, height: 6, isLabelled: false });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
