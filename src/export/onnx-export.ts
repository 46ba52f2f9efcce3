// Exports one direction of a model as ONNX files.
import type { FileHandle } from 'node:fs/promises';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { writeFileAtomic, writeFully } from '../base/atomic-files.js';
import { RunError } from '../base/errors.js';
import { blocksOf } from '../base/protobuf.js';
import { writeJson } from '../base/write-json.js';
import { CONFIG } from '../checkpoint/layout.js';
import { channelsAt, contentSize } from '../model/architecture.js';
import { type Direction, reverseOf } from '../translate/translator.js';
import { modelCard } from './card.js';
import {
  BOUNDS,
  type ComparisonInputs,
  codeDifference,
  imageDifference,
  type Precision,
  translatorOf,
} from './comparison.js';
import { writeExportFolder } from './export-folder.js';
import type { Comparison } from './export-options.js';
import { type FolderExport, stopIfAborted } from './export-task.js';
import { buildOnnxModel, ONNX_PARTS, type OnnxPart } from './onnx/generator-graph.js';
import { type HostArray, interpret } from './onnx/interpret.js';
import { decodeModel, encodeModel, OPSET } from './onnx/model-file.js';
import type { ExportSource } from './source.js';

/** The limit of Protocol Buffers, and so of an ONNX file in one piece. */
const MAX_BYTES = 2 ** 31 - 1;

/** The version of this package. */
function packageVersion(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string };
  return manifest.version;
}

export interface OnnxExportOptions {
  direction: Direction;
  /** One set of files for each; two sets lie beside each other. */
  precisions: readonly Precision[];
}

interface OnnxFile {
  part: OnnxPart;
  precision: Precision;
  /** Relative to the folder. */
  path: string;
}

function filesOf(precisions: readonly Precision[]): OnnxFile[] {
  return precisions.flatMap((precision) =>
    ONNX_PARTS.map((part) => ({
      part,
      precision,
      path: `onnx/${part}${precision === 'float16' ? '_fp16' : ''}.onnx`,
    })),
  );
}

/** `[n, h, w, c]` as `[n, c, h, w]`. */
function toNchw(data: Float32Array, count: number, side: number): HostArray {
  const pixels = side * side;
  const channels = data.length / (count * pixels);
  const out = new Float32Array(data.length);
  for (let n = 0; n < count; n++)
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let c = 0; c < channels; c++)
        out[(n * channels + c) * pixels + pixel] = data[(n * pixels + pixel) * channels + c]!;
  return { shape: [count, channels, side, side], data: out };
}

interface Example {
  inputs: Record<string, HostArray>;
  expected: Float32Array;
}

/** Inputs for each part, and the checkpoint's own output for them. */
function examplesOf(
  { architecture, values }: ExportSource,
  { images, styles, count }: ComparisonInputs,
  direction: Direction,
): Record<OnnxPart, Example> {
  const translator = translatorOf(architecture, values);
  try {
    const { size, latentDim } = architecture;
    const [source, target] = direction === 'A2B' ? [images.A, images.B] : [images.B, images.A];
    const codes = translator.encode(direction, source);
    const content = toNchw(codes.codes, count, contentSize(architecture));
    const translated = toNchw(translator.decode(codes, styles), count, size).data;
    const style: HostArray = { shape: [count, latentDim], data: styles };
    const image = toNchw(source, count, size);
    return {
      model: { inputs: { image, style }, expected: translated },
      encoder_model: { inputs: { image }, expected: content.data },
      decoder_model: { inputs: { content, style }, expected: translated },
      style_encoder: {
        inputs: { image: toNchw(target, count, size) },
        expected: translator.styleOf(direction, target),
      },
    };
  } finally {
    translator.dispose();
  }
}

function compareFile(bytes: Uint8Array, { part, precision, path }: OnnxFile, example: Example): Comparison {
  const model = decodeModel(bytes);
  const results = interpret(model, example.inputs);
  const actual = results[model.graph.outputs[0]!.name]!.data;
  const isImage = part === 'model' || part === 'decoder_model';
  const difference = (isImage ? imageDifference : codeDifference)(actual, example.expected);
  return { what: path, difference, bound: BOUNDS[precision] };
}

function filesTable(
  { architecture }: ExportSource,
  direction: Direction,
  files: readonly OnnxFile[],
): string {
  const { size, latentDim } = architecture;
  const side = contentSize(architecture);
  const image = `[batch, 3, ${size}, ${size}]`;
  const content = `\`content\` [batch, ${channelsAt(architecture, side)}, ${side}, ${side}]`;
  const style = `\`style\` [batch, ${latentDim}]`;
  const shapes: Record<OnnxPart, string> = {
    model: `\`image\` ${image}, ${style} | \`translated\` ${image}`,
    encoder_model: `\`image\` ${image} | ${content}`,
    decoder_model: `${content}, ${style} | \`translated\` ${image}`,
    style_encoder: `\`image\` ${image}, of the target domain | ${style}`,
  };
  const rows = files.map(({ part, path }) => `| \`${path}\` | ${shapes[part]} |`);
  return `| file | takes | gives |
| --- | --- | --- |
${rows.join('\n')}

Direction ${direction} (the style encoder is that of ${reverseOf(direction)}, which knows the target domain). ONNX opset ${OPSET}. Everything is
float32 and NCHW, images are RGB in [-1, 1], and the batch is free. Files that end in \`_fp16\` store their weights in float16
and compute in float32 (by Cast), so that they run wherever the others do, in half of the space. Each file is complete by itself.`;
}

function usageOf({ architecture }: ExportSource): string {
  const { size, latentDim } = architecture;
  return `    import numpy as np, onnxruntime as ort
    from PIL import Image
    session = ort.InferenceSession('onnx/model.onnx')
    photo = Image.open('me.jpg').convert('RGB').resize((${size}, ${size}))
    image = np.asarray(photo, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    style = np.random.default_rng(1).standard_normal((1, ${latentDim})).astype(np.float32)
    translated, = session.run(None, {'image': image, 'style': style})
    Image.fromarray(((translated[0].transpose(1, 2, 0) + 1) * 127.5).round().astype(np.uint8)).save('anime.png')

Random styles are standard normal. For several styles of one image, run \`encoder_model\` once and \`decoder_model\` with every style.`;
}

/**
 * Exports one direction as ONNX: the whole network, its encoder, decoder and style encoder, each in every precision asked
 * for. This project's own interpreter of their operators reads the files back and runs them, so that no other runtime is
 * needed.
 *
 * @throws what `writeExportFolder` throws, and RunError if a weight is beyond float16 or a file would be too large.
 */
export async function exportOnnx(
  { source, out, inputs, card, onProgress, signal }: FolderExport,
  { direction, precisions }: OnnxExportOptions,
): Promise<Comparison[]> {
  const files = filesOf(precisions);
  let done = 0;
  /** Reports a finished file, and lets signals in. */
  const step = async (): Promise<void> => {
    onProgress?.(++done, 2 * files.length);
    await setImmediate();
    stopIfAborted(signal);
  };
  const write = async (path: string, { part, precision }: OnnxFile): Promise<void> => {
    const options = { direction, precision, producerVersion: packageVersion() };
    const message = encodeModel(buildOnnxModel(source.architecture, source.values, part, options));
    const { bytes } = message;
    if (bytes > MAX_BYTES)
      throw new RunError(
        `Cannot write ${part}.onnx: it takes ${bytes} bytes, and the format allows 2 GiB; export with --precision float16, or a model with a larger model.channelDivisor.`,
      );
    await writeFileAtomic(path, async (handle: FileHandle) => {
      for (const block of blocksOf(message)) await writeFully(handle, block);
    });
  };
  return writeExportFolder(out, {
    kind: 'onnx',
    signal,
    async write(folder) {
      for (const file of files) {
        await write(join(folder, file.path), file);
        await step();
      }
      await writeJson(join(folder, CONFIG), source.config);
    },
    async compare(folder) {
      const examples = examplesOf(source, inputs, direction);
      const comparisons: Comparison[] = [];
      for (const file of files) {
        comparisons.push(compareFile(await readFile(join(folder, file.path)), file, examples[file.part]));
        await step();
      }
      return comparisons;
    },
    card: (comparisons) => {
      const format = { files: filesTable(source, direction, files), usage: usageOf(source) };
      return modelCard({ ...card, source, inputs }, format, comparisons);
    },
  });
}
