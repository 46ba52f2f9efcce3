import { type Comparison, type ComparisonInputs, formatDifference } from './comparison.js';
import type { MetricsReceipt } from './metrics-receipt.js';
import type { ExportSource } from './source.js';

/** What a card says that the checkpoint does not tell. */
export interface CardFacts {
  source: ExportSource;
  /** An SPDX identifier, or another name that model collections know; `unknown` where nobody said. */
  licence?: string | undefined;
  /** What it was trained on, in the user's words. */
  data?: string | undefined;
  receipt?: MetricsReceipt | undefined;
  inputs: ComparisonInputs;
}

/** What a format adds to the card. */
export interface CardFormat {
  /** Lines about the files. */
  files: string;
  /** How to use them. */
  usage: string;
}

const METHOD = "[GANs N' Roses](https://arxiv.org/abs/2106.06561) (Chong and Forsyth, 2021)";

/** A text as one line of a table's cell. */
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

/** The settings of the training that the config tells, as rows. */
function trainingRows({ config, step }: ExportSource): string[][] {
  const keys = ['batch', 'seed', 'learningRate', 'r1Weight', 'emaDecay'];
  const told = keys.flatMap((key) => {
    const value = setting(config, 'training', key);
    return value === undefined ? [] : [[`training.${key}`, String(value)]];
  });
  const losses = Object.entries((config.losses as Record<string, unknown> | undefined) ?? {}).map(
    ([name, value]) => [`losses.${name}`, JSON.stringify(value)],
  );
  return [['steps', step === undefined ? 'not recorded' : String(step)], ...told, ...losses];
}

function trainingSection(source: ExportSource, data: string | undefined): string {
  const { dataName } = source;
  const named = dataName === undefined ? 'not recorded' : `a dataset folder named ${cell(dataName)}`;
  return `## Training

Data: ${data ?? `${named}; say more with --data`}.

${table(['setting', 'value'], trainingRows(source))}

\`config.json\`, where it is beside this file, has every setting.`;
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

By the protocol \`${cell(receipt.protocol.name)}\`, ${cell(receipt.created)}, on these weights (SHA-256 of the checkpoint's
model.safetensors in the receipt). Baselines say what the figures are without any model.

${table(head, rows)}`;
}

function comparisonSection(comparisons: readonly Comparison[], { told }: ComparisonInputs): string {
  const rows = comparisons.map(({ what, difference, bound }) => [
    what,
    formatDifference(difference),
    String(bound),
  ]);
  return `## Held against the checkpoint

Read back and run on ${told}, with seeded styles. Largest difference from the checkpoint's own results: of the image range
for pictures, of the largest number for codes.

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

Translates pictures between two domains it was trained on (A to B and back; photos of faces and anime as the method means
it), in as many styles as there are style codes of ${latentDim} numbers. The networks are those of ${METHOD},
variant \`${variant}\`; pictures are ${size} x ${size} px.

## Files

${format.files}

## Use

${format.usage}

${trainingSection(source, data)}

${metricsSection(receipt)}

${comparisonSection(comparisons, inputs)}

## Limits

It knows the kind of picture that it was trained on, cropped as those were, and makes nothing sensible of others. What its
pictures show of a person is invented: it is fit neither to identify anybody nor to say anything about them. Faces that are
rare in the training pictures come out worse.

## Licence

${licence === undefined ? 'Not stated by whoever exported it (`--license`): ask the owner of the weights and of the pictures.' : `${licence}, as stated by whoever exported it.`}
`;
}
