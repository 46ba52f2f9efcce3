import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { drawSampleDataset } from '../../src/sample/draw.js';
import { contentOf, errorMessages, tinyTraining, until } from '../support/gnr.js';
import { noMpi, RankFolder } from '../support/mpi.js';
import { ffmpeg, HAS_FFMPEG, lavfi } from '../support/video.js';
import { formulaCache } from '../support/weights.js';

const ranks = RankFolder.prepare();

describe.skipIf(noMpi !== undefined)('two ranks', () => {
  const at = (...parts: string[]): string => join(ranks.folder, ...parts);

  beforeAll(async () => {
    const { config } = await tinyTraining(ranks.folder);
    const { status, stderr } = await ranks.gnr(1, [
      ...['train', '--config', config, '--out', at('run'), '--steps', '1'],
    ]);
    expect(status, stderr).toBe(0);
    // Three batches of eight at most: one rank gets the first and the last.
    await drawSampleDataset({ dir: at('more'), images: 6, testImages: 19, size: 32 });
    await writeFile(at('more', 'testA', '00009.png'), 'no image');
  });

  afterEach(() => vi.unstubAllEnvs());

  /** What a translation prints and writes, without the name of its folder. */
  async function translated(size: number, out: string, more: readonly string[]) {
    const { status, stdout, stderr } = await ranks.gnr(size, [
      ...['translate', at('more', 'testA'), '--checkpoint', at('run'), '--out', at(out), '--styles', '2'],
      ...more,
    ]);
    const files = Object.entries(await contentOf(at(out)));
    return {
      status,
      printed: stdout.replaceAll(at(out), ''),
      messages: errorMessages(stderr),
      files: Object.fromEntries(files.map(([file, content]) => [basename(file), content])),
    };
  }

  test.for([
    ['files', [], 36],
    ['a grid', ['--grid'], 1],
  ] as const)(
    'write %s, and print, what one process does, and report an unreadable image once',
    async ([name, more, count]) => {
      const one = await translated(1, `one ${name}`, more);
      const two = await translated(2, `two ${name}`, more);
      expect(Object.keys(one.files)).toHaveLength(count);
      expect(one.status).toBe(2);
      expect(one.messages).toHaveLength(2);
      expect(one.messages[0]).toContain('00009.png');
      expect(two).toEqual(one);
    },
  );

  /** Everything that an evaluation writes and prints, without times, the number of threads and the name of its folder. */
  async function evaluated(size: number, out: string, more: readonly string[] = []) {
    const { status, stdout, stderr } = await ranks.gnr(size, [
      ...['evaluate', '--checkpoint', at('run'), '--data', at('more'), '--out', at(out)],
      ...['--protocol', at('protocol.json'), ...more],
    ]);
    expect(status, stderr).toBe(0);
    const { created, software, ...receipt } = JSON.parse(await readFile(at(out, 'receipt.json'), 'utf8'));
    const { threads, ...others } = software;
    expect([typeof created, typeof threads]).toEqual(['string', 'string']);
    const lists = await readFile(at(out, 'real.sha256'), 'utf8');
    return { receipt, others, lists, printed: stdout.replaceAll(at(out), '') };
  }

  test('measure the figures of one process, write and print them once, and repeat a receipt exactly', async () => {
    const protocol = {
      name: 'small',
      inputs: { count: 18 },
      styles: { perInput: 2 },
      seeds: [1, 2],
      metrics: {
        ...{ spectrum: {}, relativeDiversity: {}, cycleError: {}, styleConsistency: { views: 2 } },
        ...{ contentConsistency: {}, landmarks: {}, factors: {} },
      },
    };
    await writeFile(at('protocol.json'), JSON.stringify(protocol));
    await rm(at('more', 'testA', '00009.png'));
    const one = await evaluated(1, 'evaluation one');
    const two = await evaluated(2, 'evaluation two');
    const [model] = one.receipt.methods;
    expect(model.figures.length).toBeGreaterThan(8);
    expect(two).toEqual(one);
    const { status, stdout, stderr } = await ranks.gnr(2, [
      ...['evaluate', '--verify', at('evaluation one', 'receipt.json')],
    ]);
    expect(status, stderr).toBe(0);
    expect(stdout.match(/figures reproduced exactly/g)).toHaveLength(1);
  });

  test('measure with Inception and LPIPS what one process measures', async () => {
    const { GNR_CACHE_DIR } = await formulaCache('inception', 'alexnet', 'lpips-alex');
    vi.stubEnv('GNR_CACHE_DIR', GNR_CACHE_DIR);
    const protocol = {
      name: 'networks',
      // Two batches of eight at most.
      inputs: { count: 9 },
      real: { count: 9 },
      styles: { perInput: 2 },
      seeds: [1],
      metrics: { fid: {}, kid: { subsets: 2, subsetSize: 8 }, lpipsDiversity: { net: 'alex' } },
    };
    await writeFile(at('protocol.json'), JSON.stringify(protocol));
    const one = await evaluated(1, 'networks one', ['--baselines', 'none']);
    expect(one.receipt.methods[0].figures).toHaveLength(3);
    expect(await evaluated(2, 'networks two', ['--baselines', 'none'])).toEqual(one);
  });

  test.skipIf(!HAS_FFMPEG).for([
    ['styles that flow', ['--styles', '2', '--style-seconds', '1']],
    ['a mosaic', ['--mosaic']],
  ] as const)('write the video of one process: %s', async ([name, more]) => {
    // Four batches of eight at most: the last round has one for each rank, of which one is smaller.
    const source = lavfi('testsrc2=size=48x32:rate=10:duration=2.7');
    const input = await ffmpeg(ranks.folder, ...source, '-pix_fmt', 'yuv420p', `${name}.mp4`);
    const translated = async (size: number) => {
      const output = at(`${name} ${size}.mp4`);
      const { status, stdout, stderr } = await ranks.gnr(size, [
        ...['video', input, '--checkpoint', at('run'), '--out', output, '--json', ...more],
      ]);
      expect(status, stderr).toBe(0);
      const { frames, temporalConsistency, record } = JSON.parse(stdout);
      const file = (await readFile(output)).toString('base64');
      return { frames, temporalConsistency, record, file, messages: errorMessages(stderr) };
    };
    const one = await translated(1);
    expect(one.frames).toBe(27);
    expect(await translated(2)).toEqual(one);
  });

  test.skipIf(!HAS_FFMPEG)('stop a video together, with one message, and leave nothing of it', async () => {
    const source = lavfi('testsrc2=size=48x32:rate=25:duration=400');
    const input = await ffmpeg(ranks.folder, ...source, '-pix_fmt', 'yuv420p', 'long.mp4');
    await mkdir(at('stopped'));
    const started = await ranks.startGnr(2, [
      ...['video', input, '--checkpoint', at('run'), '--out', at('stopped', 'video.mp4'), '--face', 'off'],
    ]);
    await until(started, async () => (await readdir(at('stopped'))).length > 0);
    started.child.kill('SIGUSR1');
    const { status, stderr } = await started.done;
    expect(status, stderr).toBe(130);
    expect(errorMessages(stderr)).toEqual([expect.stringMatching(/^gnr: stopped/)]);
    expect(await readdir(at('stopped'))).toEqual([]);
  });

  test('report an image that cannot be read once, with the rank, and measure nothing', async () => {
    await mkdir(at('fake'));
    for (let i = 0; i < 9; i++) await writeFile(at('fake', `${i}.png`), 'no image');
    const { status, stdout, stderr } = await ranks.gnr(2, [
      ...['evaluate', '--fake', at('fake'), '--real', at('more', 'testB')],
      ...['--metrics', 'spectrum', '--baselines', 'none'],
    ]);
    expect([status, stdout]).toEqual([2, '']);
    expect(errorMessages(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/rank \d on .*png/);
  });
});
