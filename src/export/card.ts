// Writes the model card, the README.md of an export.
import { type ComparisonInputs, formatDifference } from './comparison.js';
import type { Comparison } from './export-options.js';
import type { MetricsReceipt } from './metrics-receipt.js';
import type { ExportSource } from './source.js';

/** What a card says beyond the checkpoint. */
export interface CardFacts {
  source: ExportSource;
  /** An SPDX identifier, or another name that model collections know. Default: `unknown`. */
  licence?: string | undefined;
  /** The training data, in the user's words. */
  data?: string | undefined;
  receipt?: MetricsReceipt | undefined;
  inputs: ComparisonInputs;
}

/** What a format adds to the card. */
export interface CardFormat {
  /** Lines about the files. */
  files: string;
  /** How to use the files. */
  usage: string;
}

const METHOD = "[GANs N' Roses](https://arxiv.org/abs/2106.06561) (Chong and Forsyth, 2021)";

/** A text as one line for a table's cell. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('|', '\\|').trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function setting(config: Record<string, unknown>, section: string, key: string): unknown {
  const tree = config[section];
  return typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>)[key] : undefined;
}

/** The training settings of the config as rows. */
function trainingRows({ config, step, averaged }: ExportSource): string[][] {
  const keys = ['batch', 'seed', 'learningRate', 'r1Weight', 'emaDecay'];
  const settings = keys.flatMap((key) => {
    const value = setting(config, 'training', key);
    return value === undefined ? [] : [[`training.${key}`, String(value)]];
  });
  const losses = Object.entries((config.losses as Record<string, unknown> | undefined) ?? {}).map(
    ([name, value]) => [`losses.${name}`, JSON.stringify(value)],
  );
  const rows = [['steps', step === undefined ? 'not recorded' : String(step)]];
  if (averaged !== undefined) {
    const { checkpoints, from, to } = averaged;
    rows.push(['weights', `mean of the EMA weights of ${checkpoints} checkpoints, steps ${from} to ${to}`]);
  }
  return [...rows, ...settings, ...losses];
}

function trainingSection(source: ExportSource, data: string | undefined): string {
  const { dataName } = source;
  const named = dataName === undefined ? 'not recorded' : `a dataset folder named ${cell(dataName)}`;
  return `## Training

Data: ${data ?? `${named}; say more with --data`}.

${table(['setting', 'value'], trainingRows(source))}

If \`config.json\` is beside this file, it has every setting.`;
}

function formatFigure(value: number): string {
  return Number(value.toPrecision(4)).toString();
}

function metricsSection(receipt: MetricsReceipt | undefined): string {
  if (receipt === undefined)
    return `## Metrics

None: this model was exported without the receipt of an evaluation (\`gnr evaluate\`, then \`gnr export --receipt\`).`;
  const rows = receipt.methods.flatMap(({ name, figures }) =>
    figures.map(({ title, value, interval, better, how }) => [
      title,
      name,
      formatFigure(value),
      interval === null ? '' : interval.map(formatFigure).join(' to '),
      better === 'neither' ? '' : better,
      how,
    ]),
  );
  const head = ['figure', 'of', 'value', '95 % interval', 'better', 'how'];
  return `## Metrics

Measured by the protocol \`${cell(receipt.protocol.name)}\`, ${cell(receipt.created)}, on these weights (the receipt has the SHA-256 of the
checkpoint's model.safetensors). Baselines show the figures without any model.

${table(head, rows)}`;
}

function comparisonSection(comparisons: readonly Comparison[], { description }: ComparisonInputs): string {
  const rows = comparisons.map(({ what, difference, bound }) => [
    what,
    formatDifference(difference),
    String(bound),
  ]);
  return `## Compared with the checkpoint

The export was read back and run on ${description}, with seeded styles. The table has the largest differences from the
checkpoint's own results: as a part of the image range for images, of the largest number for codes.

${table(['what', 'largest difference', 'allowed'], rows)}`;
}

/** The model card of an export, with the metadata block that model collections read. */
export function modelCard(
  { source, licence, data, receipt, inputs }: CardFacts,
  format: CardFormat,
  comparisons: readonly Comparison[],
): string {
  const { size, variant, latentDim } = source.architecture;
  return `---
license: ${licence ?? 'unknown'}
library_name: gans-n-roses
pipeline_tag: image-to-image
tags:
  - image-to-image
  - gan
  - style-transfer
---

# GANs N' Roses model, ${size} px

This model translates images between the two domains that it was trained on (A to B and back; in the paper, photos of faces
and anime), in as many styles as there are style codes of ${latentDim} numbers. The networks are those of ${METHOD},
variant \`${variant}\`; images are ${size} x ${size} px.

## Files

${format.files}

## Use

${format.usage}

${trainingSection(source, data)}

${metricsSection(receipt)}

${comparisonSection(comparisons, inputs)}

## Limits

The model works on the kind of image that it was trained on, cropped in the same way, and gives nothing sensible for others.
Its images invent what they show of a person: they neither identify anybody nor say anything about them. Faces that are rare
in the training images come out worse.

## Licence

${licence === undefined ? 'Not stated by whoever exported it (`--license`): ask the owners of the weights and of the images.' : `${licence}, as stated by whoever exported it.`}
`;
}
