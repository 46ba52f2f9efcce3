// Texts of people and of other programs: configs, overrides, protocols, receipts, metrics, what ffprobe says.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ZodError } from 'zod';
import { InputError } from '../../../src/base/errors.js';
import { parseJson } from '../../../src/base/json-text.js';
import { parseOrThrow } from '../../../src/base/parse-or-throw.js';
import { loadConfig } from '../../../src/config/load.js';
import { loadProtocol } from '../../../src/eval/protocols.js';
import { receiptSchema } from '../../../src/eval/receipt.js';
import { readMetrics } from '../../../src/train/log/metrics-log.js';
import { readStyleCodes } from '../../../src/translate/style-codes.js';
import { decoderArgs, planVideo } from '../../../src/video/plan.js';
import { excessiveSize, parseProbe } from '../../../src/video/probe.js';
import { figure, method, receipt } from '../../support/receipt.js';
import { jsonLike } from '../inputs.js';
import type { FuzzTarget } from '../target.js';
import { scratchFile } from './scratch.js';

const isInputError = (error: unknown): boolean => error instanceof InputError;
const jsonBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const CONFIG = {
  model: { variant: 'main', size: 64, channels: { 4: 16, 8: 16 } },
  training: { steps: 10, batch: 2, betas: [0, 0.99] },
  data: { root: 'data' },
  losses: { lpips: { weight: 0, weights: null } },
};

const ROW = {
  step: 3,
  seconds: 1.5,
  learningRate: 0.002,
  terms: { 'generators/cycle': 0.5 },
  warnings: ['x'],
  engine: { device: 'cpu' },
};

const PROBE = {
  streams: [
    {
      index: 0,
      codec_type: 'video',
      codec_name: 'h264',
      width: 640,
      height: 360,
      pix_fmt: 'yuv420p',
      sample_aspect_ratio: '1:1',
      avg_frame_rate: '30000/1001',
      r_frame_rate: '30000/1001',
      duration: '4.2',
      nb_frames: '126',
      start_time: '0.000000',
      field_order: 'progressive',
      color_space: 'bt709',
      tags: { rotate: '90' },
      side_data_list: [{ side_data_type: 'Display Matrix', rotation: -90 }],
      disposition: { attached_pic: 0 },
    },
    { index: 1, codec_type: 'audio', codec_name: 'aac', start_time: '0.0' },
    { index: 2, codec_type: 'subtitle', codec_name: 'subrip' },
  ],
  format: { duration: '4.2', start_time: '0.0' },
  chapters: [{ id: 0 }],
};

/** ffprobe's numbers and ratios as any text. */
const wildProbe = fc
  .tuple(
    fc.constantFrom(PROBE.streams[0]!.sample_aspect_ratio, '1000000:1', '0:1', '-1:1', '1:0', 'N/A', '16:1'),
    fc.constantFrom('30000/1001', '1000/1', '0/0', '-5/1', '1/1000000', '9999999999/1', 'x'),
    fc.constantFrom(0, 1, 640, 65_535, 2 ** 31, -4),
    fc.constantFrom(0, 1, 360, 65_535, 2 ** 31),
    fc.constantFrom('4.2', '86400', '1e300', '-1', 'N/A', ''),
    fc.constantFrom('126', '0', '1e20', '-3', 'N/A'),
    fc.constantFrom(-90, 0, 45, 1e9, Number.NaN),
    fc.constantFrom('h264', '-vf', "';drop", '../../x', 'a b\n'),
  )
  .map(([ratio, rate, width, height, duration, frames, rotation, codec]) => {
    const [video, ...others] = PROBE.streams;
    const stream = {
      ...video,
      sample_aspect_ratio: ratio,
      avg_frame_rate: rate,
      r_frame_rate: rate,
      width,
      height,
      duration,
      nb_frames: frames,
      codec_name: codec,
      color_space: codec,
      side_data_list: [{ rotation }],
    };
    return jsonBytes({ ...PROBE, streams: [stream, ...others] });
  });

const FFMPEG = {
  encoders: new Set(['libx264', 'aac']),
  decoders: new Set(['h264']),
  filters: new Set(['scale', 'zscale', 'tonemap', 'bwdif', 'yadif']),
  hasFpsMode: true,
};
const MOST_PIXELS = 2 ** 29;

const PROTOCOL_FOLDER = join(process.cwd(), 'configs/protocols');
const protocolValue = (): unknown => JSON.parse(readFileSync(join(PROTOCOL_FOLDER, 'gnr.json'), 'utf8'));

const CODES = [
  [0.5, -1, 2e-3],
  [1, 2, 3],
];

const RECEIPT = receipt([method('gnr', [figure()])]);

/** Targets by name. */
export const textTargets: Record<string, FuzzTarget> = {
  json: {
    seeds: () => [jsonBytes(CONFIG), Buffer.from('{ "a": [1, 2, // x\n] }')],
    structured: jsonLike(CONFIG),
    run: (bytes) => parseJson(textOf(bytes), 'a file'),
    refused: isInputError,
    runs: 2000,
  },
  config: {
    seeds: () => [jsonBytes(CONFIG)],
    structured: jsonLike(CONFIG),
    run: (bytes) => loadConfig({ file: scratchFile(bytes, 'config.json'), overrides: [] }),
    refused: isInputError,
    runs: 800,
  },
  override: {
    seeds: () => [
      Buffer.from('losses.lpips.weight=0'),
      Buffer.from('training.steps=10'),
      Buffer.from('model.channels={"4": 8}'),
      Buffer.from('a.__proto__.b=1'),
    ],
    structured: fc
      .tuple(
        fc.constantFrom(
          'training.steps',
          'a'.repeat(3000),
          'a.'.repeat(60_000),
          '__proto__.x',
          'constructor.prototype.x',
          'losses',
        ),
        jsonLike(10),
      )
      .map(([key, value]) => Buffer.concat([Buffer.from(`${key}=`), value])),
    run: (bytes) => loadConfig({ overrides: [textOf(bytes)] }),
    refused: isInputError,
    runs: 600,
  },
  protocol: {
    seeds: () => [jsonBytes(protocolValue())],
    structured: jsonLike(protocolValue()),
    run: (bytes) => loadProtocol(scratchFile(bytes, 'protocol.json')),
    refused: isInputError,
    runs: 800,
  },
  'style-codes': {
    seeds: () => [jsonBytes(CODES), jsonBytes(CODES[0])],
    structured: jsonLike(CODES),
    run: async (bytes) => {
      for (const code of await readStyleCodes(scratchFile(bytes, 'codes.json')))
        if (code.length === 0 || !code.every(Number.isFinite))
          throw new Error('a style code without numbers, or with some that are not finite');
    },
    refused: isInputError,
    runs: 600,
  },
  receipt: {
    seeds: () => [jsonBytes(RECEIPT)],
    structured: jsonLike(RECEIPT),
    run: (bytes) =>
      parseOrThrow(receiptSchema, parseJson(textOf(bytes), 'a receipt'), {
        expected: 'a receipt',
        remedy: 'write one',
      }),
    refused: isInputError,
    runs: 800,
  },
  metrics: {
    seeds: () => [Buffer.from(`${JSON.stringify(ROW)}\n${JSON.stringify({ ...ROW, step: 4 })}\n`)],
    structured: fc
      .array(jsonLike(ROW), { minLength: 1, maxLength: 4 })
      .map((lines) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))),
    async run(bytes) {
      for await (const _ of readMetrics(scratchFile(bytes, 'metrics.jsonl')));
    },
    refused: isInputError,
    runs: 600,
  },
  probe: {
    seeds: () => [jsonBytes(PROBE)],
    structured: fc.oneof(jsonLike(PROBE), wildProbe),
    run: (bytes) => {
      const text = textOf(bytes);
      // ffprobe writes nothing but JSON.
      if (!isJson(text)) return;
      const info = parseProbe(text);
      // Both are refused where a file is opened.
      if (info === undefined || excessiveSize(info) !== undefined) return;
      const { extent } = info;
      if (!(extent.width > 0 && extent.height > 0 && extent.width * extent.height <= MOST_PIXELS))
        throw new Error(`frames of ${extent.width} x ${extent.height} px were accepted`);
      const plan = planVideo(info, {
        input: '-in.mp4',
        output: 'out.mp4',
        modelPx: 64,
        cells: 1,
        ffmpeg: FFMPEG,
      });
      const args = decoderArgs({ input: '-in.mp4', info, ffmpeg: FFMPEG, rate: plan.rate, extent: 64 });
      // No word of the file may be taken for an option.
      const input = args.indexOf('-i');
      if (!args[input + 1]?.startsWith('file:')) throw new Error('the input is no file: name');
      if (args.includes("';drop") || args.includes('../../x'))
        throw new Error("a word of the file among ffmpeg's arguments");
    },
    // What ffprobe writes has the right types.
    refused: (error) => isInputError(error) || error instanceof ZodError,
    runs: 1500,
  },
};
