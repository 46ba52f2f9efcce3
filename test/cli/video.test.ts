import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PHOTO_OF_THREE } from '../support/faces.js';
import {
  compileGnr,
  errorMessages,
  gnr,
  type Outcome,
  startGnr,
  tinyTraining,
  until,
} from '../support/gnr.js';
import { ffmpeg, HAS_FFMPEG, lavfi, measure } from '../support/video.js';

let shared: string;
let run: string;
let dataset: string;
let input: string;
let folder: string;
let out: string;
beforeAll(async () => {
  shared = await mkdtemp(join(tmpdir(), 'gnr-cli-video-'));
  const tiny = await tinyTraining(shared);
  dataset = tiny.dataset;
  run = join(shared, 'run');
  expect((await gnr('train', '--config', tiny.config, '--out', run, '--steps', '1')).code).toBe(0);
  input = join(shared, 'in.mp4');
  if (!HAS_FFMPEG) await writeFile(input, 'a video, as far as anybody looks');
  else {
    const sources = [...lavfi('testsrc2=size=98x54:rate=25:duration=0.8'), ...lavfi('sine=duration=0.8')];
    const codecs = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
    await ffmpeg(shared, ...sources, ...codecs, '-movflags', '+faststart', 'in.mp4');
  }
});
afterAll(() => rm(shared, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gnr-cli-video-'));
  out = join(folder, 'out.mp4');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const video = (...words: string[]): Promise<Outcome> =>
  gnr('video', input, '--checkpoint', run, '--out', out, ...words);

describe.skipIf(!HAS_FFMPEG)('gnr video', () => {
  it('translates a video, keeps its sound, and reports its figures as JSON', async () => {
    const { code, stdout, stderr } = await video('--json', '--face', 'off');
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    const answer = JSON.parse(stdout) as Record<string, unknown> & {
      temporalConsistency: Record<string, number>;
    };
    expect(answer).toMatchObject({
      ...{ input, output: out, frames: 20, expectedFrames: 20, seconds: 0.8, fps: 25 },
      ...{ modelPx: 32, widthPx: 32, heightPx: 32, audio: ['copied'], isTruncated: false },
    });
    const { inputChange, outputChange, ratio } = answer.temporalConsistency;
    expect(ratio).toBeCloseTo(outputChange! / inputChange!, 9);
    const made = await measure(out);
    expect(made).toMatchObject({ frames: 20, width: 32, audio: ['aac'] });
    expect(JSON.parse(made.comment!)).toEqual(answer.record);
    expect(await readdir(folder)).toEqual(['out.mp4']);
  });

  it('composes a mosaic of eight styles, those of references first, in the size of --size', async () => {
    const styleImage = join(dataset, 'testB');
    const { code, stdout } = await video('--mosaic', '--style-image', styleImage, '--size', '120');
    expect([code, stdout]).toEqual([0, `${out}\n`]);
    const { width, comment } = await measure(out);
    const { styles } = JSON.parse(comment!) as { styles: { label: string }[] };
    expect([width, styles.length]).toEqual([120, 8]);
    expect(styles.slice(0, 3).map(({ label }) => label)).toEqual(['00000', '00001', 'style-1']);
  });

  it('changes the style over time with --style-seconds', async () => {
    expect((await video()).code).toBe(0);
    const constant = await readFile(out);
    const { code, stderr } = await video('--style-seconds', '0.3', '--face', 'off');
    expect([code, errorMessages(stderr)]).toEqual([0, []]);
    expect((await readFile(out)).equals(constant)).toBe(false);
  });

  it('writes the decodable frames of a truncated video, and exits with 2', async () => {
    const cut = await ffmpeg(folder, '-i', input, '-c', 'copy', '-movflags', '+faststart', 'cut.mp4');
    await truncate(cut, Math.floor((await stat(cut)).size * 0.6));
    const { code, stdout, stderr } = await gnr('video', cut, '--checkpoint', run, '--out', out);
    expect([code, stdout]).toEqual([2, `${out}\n`]);
    expect(errorMessages(stderr).at(-1)).toMatch(
      /Expected 20 frames in .*cut\.mp4 but found \d+ that can be decoded; .*out\.mp4 has what could be decoded/,
    );
    expect((await measure(out)).frames).toBeGreaterThan(0);
  });

  describe('with faces', () => {
    let three: string;
    beforeAll(async () => {
      const filter = "scale=480:-2,crop=400:300:x='4*n':y=10";
      three = await ffmpeg(
        shared,
        ...['-loop', '1', '-t', '0.6', '-i', PHOTO_OF_THREE, '-vf', filter],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', 'three.mp4'],
      );
    });

    async function answer(...more: string[]): Promise<Record<string, unknown>> {
      const words = ['video', three, '--checkpoint', run, '--out', out, '--json'];
      const { code, stdout, stderr } = await gnr(...words, ...more);
      expect([code, errorMessages(stderr)]).toEqual([0, []]);
      return JSON.parse(stdout) as Record<string, unknown>;
    }

    it('follows the largest face with --face largest', async () => {
      const cropped = await answer('--face', 'largest');
      expect(cropped).toMatchObject({ faces: 1, frames: 15, widthPx: 32, heightPx: 32 });
    });

    it('pastes every face into whole frames with --face all --paste', async () => {
      const pasted = await answer('--face', 'all', '--paste');
      expect(pasted).toMatchObject({ faces: 3, frames: 15, widthPx: 400, heightPx: 300 });
      expect(await measure(out)).toMatchObject({ frames: 15, width: 400, height: 300 });
    });
  });

  it('looks for a face by default, and says in how many frames', async () => {
    const input = await ffmpeg(
      folder,
      ...['-loop', '1', '-t', '0.6', '-i', PHOTO_OF_THREE, '-vf', "scale=480:-2,crop=400:300:x='4*n':y=10"],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', 'default.mp4'],
    );
    const translate = async (...more: string[]) => {
      const words = ['video', input, '--checkpoint', run, '--out', out, '--json', ...more];
      const { code, stdout, stderr } = await gnr(...words);
      expect(code).toBe(0);
      const { wallSeconds, framesPerSecond, peakRssBytes, ...facts } = JSON.parse(stdout);
      return {
        facts: facts as Record<string, unknown>,
        said: errorMessages(stderr),
        bytes: await readFile(out),
      };
    };
    const first = await translate();
    expect(first.facts).toMatchObject({ faces: 1, frames: 15 });
    expect(first.facts.faceLooks).toBeGreaterThanOrEqual(1);
    expect(first.said).toEqual([
      expect.stringMatching(new RegExp(`a face.*--face off.*looked for in ${first.facts.faceLooks} `)),
    ]);
    // The search depends on no clock.
    const again = await translate();
    expect([again.facts, again.bytes.equals(first.bytes)]).toEqual([first.facts, true]);
    const centre = await translate('--face', 'off');
    expect([centre.said, 'faces' in centre.facts, centre.bytes.equals(first.bytes)]).toEqual([
      [],
      false,
      false,
    ]);
  });

  it('translates whole frames if there is no face, and reports that', async () => {
    const { code, stdout, stderr } = await video('--face', 'all', '--paste', '--json');
    expect([code, errorMessages(stderr)]).toEqual([
      0,
      [expect.stringContaining(`no face was found in ${input}: its frames are translated whole`)],
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ faces: 0, widthPx: 98, heightPx: 54 });
  });

  it('stops at Ctrl-C, leaves no partial file, and reports how far it got', async () => {
    const long = await ffmpeg(folder, '-stream_loop', '2000', '-i', input, '-c', 'copy', 'long.mp4');
    const program = join(shared, 'program');
    await compileGnr(program);
    const words = ['video', long, '--checkpoint', run, '--out', out];
    const running = await startGnr(program, words);
    await until(running, async () =>
      (await readdir(folder)).some((name) => name.startsWith('.gnr-tmp-out.mp4')),
    );
    running.child.kill('SIGINT');
    const { status, stderr } = await running.done;
    expect([status, stderr]).toEqual([
      130,
      expect.stringMatching(/gnr: stopped after \d+ of \d+ frames; .*out\.mp4 was not written/),
    ]);
    expect(await readdir(folder)).toEqual(['long.mp4']);
  });
});

describe('gnr video with wrong arguments', () => {
  it.each([
    [['--size', '33'], /--size to be an even number from 16 to 8192 but found 33/],
    [['--style-seconds', '0'], /--style-seconds to be above 0/],
    [['--beats', '4'], /Unknown option --beats/],
    [['--face-margin', '11'], /--face-margin to be from 0 to 10 but found 11/],
    [['--face', 'all'], /--paste with --face all: .* but found it alone/],
    [['--face', 'all', '--paste', '--mosaic'], /--paste alone, .* but found it with --mosaic/],
    [['--face', 'auto', '--paste', '--size', '64'], /--paste alone, .* but found it with --size/],
    [['--face', 'off', '--paste'], /--face auto, largest or all with --paste but found --face off/],
    [['--styles', '0'], /--styles to be a whole number from 1 to 1000/],
  ])('rejects %j', async (words, message) => {
    const { code, stdout, stderr } = await video(...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  it.skipIf(!HAS_FFMPEG).each([
    [['--styles', '3'], /Expected one style but found 3; add --mosaic/],
    [['--mosaic', '--styles', '3'], /Expected 8 styles for --mosaic but found 3/],
    [['--style-seconds', '1', '--styles', '1'], /Expected two styles or more to change between but found 1/],
  ])('rejects %j, which it knows only with the video', async (words, message) => {
    const { code, stdout, stderr } = await video(...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    [['/nowhere/in.mp4', '--out', 'x.mp4'], /a video at \/nowhere\/in\.mp4 but found nothing/],
    [['/nowhere/in.mp4', '--out', 'x.avi'], /a video's name that ends in .* but found x\.avi/],
  ])('rejects %j', async (words, message) => {
    const { code, stderr } = await gnr('video', ...words, '--checkpoint', run);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('names the missing program and how to install it on a machine without ffmpeg', async () => {
    vi.stubEnv('PATH', folder);
    const { code, stderr } = await video();
    expect([code, errorMessages(stderr)]).toEqual([
      2,
      [expect.stringMatching(/the program ffprobe.*on the PATH; install ffmpeg.*FFPROBE_PATH/)],
    ]);
  });
});
