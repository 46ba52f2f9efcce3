#!/usr/bin/env node
// Times the reference's way of translating a video (decode all frames, translate each alone and kernel by kernel, encode
// all) and `gnr video` on this machine, and prints their ratio, and the memory of `gnr video` by the video's length.
//
// usage: node bench/video.mjs [--checkpoint CKPT] [--input VIDEO] [--rounds N]
//
// Without --input ffmpeg draws the videos: 480p, 25 frames a second, with sound, 20 and 60 seconds long.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    checkpoint: { type: 'string', default: fileURLToPath(new URL('../models/sample', import.meta.url)) },
    input: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    // For this program itself: the output of the reference's way, which runs in a process of its own.
    alone: { type: 'string' },
  },
});
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));

function run(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (status === 0) return stdout;
  process.stderr.write(`${program} ${args.join(' ')} failed:\n${stderr}\n`);
  process.exit(1);
}

function draw(path, seconds) {
  const video = `testsrc2=size=854x480:rate=25:duration=${seconds}`;
  const inputs = ['-f', 'lavfi', '-i', video, '-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`];
  const codecs = ['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
  run('ffmpeg', ['-v', 'error', '-y', ...inputs, ...codecs, path]);
  return path;
}

/** Decodes all frames, translates one at a time, then encodes all. */
async function referenceWay(input, output) {
  const { loadEngine } = await dist('runtime/node.js');
  const { readModel } = await dist('translate/model.js');
  const { openTranslator } = await dist('translate/open-translator.js');
  const { randomStyles } = await dist('translate/styles.js');
  const { planVideo } = await dist('video/plan.js');
  const { probeVideo } = await dist('video/probe.js');
  const { fromFloat } = await dist('data/decode.js');
  await loadEngine();
  const { architecture, values: weights } = await readModel(values.checkpoint);
  const translator = openTranslator(architecture, weights, { capture: false });
  const modelPx = architecture.size;
  const plan = planVideo(await probeVideo(input), {
    input,
    output,
    modelPx,
    cells: 1,
    encoders: new Set(['libx264', 'aac']),
  });
  const [{ code }] = randomStyles(1, 1, architecture.latentDim);
  const frameBytes = modelPx * modelPx * 3;
  const begun = performance.now();
  const options = { maxBuffer: 2 ** 30 };
  const { stdout } = spawnSync('ffmpeg', plan.decoderArgs, options);
  const frames = Math.floor(stdout.length / frameBytes);
  const results = [];
  for (let i = 0; i < frames; i++) {
    const image = Float32Array.from(
      stdout.subarray(i * frameBytes, (i + 1) * frameBytes),
      (value) => value / 127.5 - 1,
    );
    results.push(fromFloat(translator.translate('A2B', image, code), modelPx, modelPx).data);
  }
  spawnSync('ffmpeg', plan.encoderArgs(output), { ...options, input: Buffer.concat(results) });
  const wallSeconds = (performance.now() - begun) / 1000;
  translator.dispose();
  process.stdout.write(JSON.stringify({ frames, wallSeconds, framesPerSecond: frames / wallSeconds }));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const gnr = (input, output) =>
  JSON.parse(
    run(process.execPath, [
      fileURLToPath(new URL('../bin/gnr.mjs', import.meta.url)),
      ...['video', input, '--checkpoint', values.checkpoint, '--out', output, '--json'],
    ]),
  );

if (values.alone !== undefined) {
  await referenceWay(values.input, values.alone);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'gnr-bench-video-'));
  try {
    const input = values.input ?? draw(join(folder, '20s.mp4'), 20);
    const output = join(folder, 'out.mp4');
    const [theirs, ours, memory] = [[], [], []];
    for (let round = 0; round < Number(values.rounds); round++) {
      const alone = ['--alone', output, '--input', input, '--checkpoint', values.checkpoint];
      theirs.push(
        JSON.parse(run(process.execPath, [fileURLToPath(import.meta.url), ...alone])).framesPerSecond,
      );
      const { framesPerSecond, peakRssBytes } = gnr(input, output);
      ours.push(framesPerSecond);
      memory.push(peakRssBytes);
    }
    const ratios = ours.map((rate, i) => rate / theirs[i]);
    const text = (numbers) => numbers.map((value) => value.toFixed(1)).join(' ');
    const lines = [
      `frames a second, medians of ${values.rounds} rounds, load ${loadavg()[0].toFixed(1)}`,
      `frame by frame, kernel by kernel, in sequence: ${median(theirs).toFixed(1)} (${text(theirs)})`,
      `gnr video: ${median(ours).toFixed(1)} (${text(ours)})`,
      `ratio: ${median(ratios).toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`,
      `peak memory: ${(median(memory) / 1e9).toFixed(3)} GB`,
    ];
    if (values.input === undefined) {
      const long = gnr(draw(join(folder, '60s.mp4'), 60), output);
      lines.push(`peak memory, three times as long: ${(long.peakRssBytes / 1e9).toFixed(3)} GB`);
    }
    process.stdout.write(`${lines.join('\n')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
