// Reads an exported PyTorch file back and compares it with its source.
import { AVERAGED, type AveragedName } from '../checkpoint/reference/networks.js';
import { checkStateDict, parseReferenceFile, tensorAt } from '../checkpoint/reference/reference-file.js';
import { TorchFile } from '../checkpoint/torch-file/torch-file.js';
import { fromTorchTensor } from '../checkpoint/torch-layout.js';
import { buildGenerator } from '../model/generator.js';
import type { NetworkValues } from '../model/parameters.js';
import { type ComparisonInputs, compareWeights } from './comparison.js';
import type { Comparison } from './export-options.js';
import type { ExportSource } from './source.js';

/** Reads the EMA generators of a file by `exportReferenceCheckpoint` back, as an import would. */
async function readGenerators(path: string, { architecture }: ExportSource): Promise<NetworkValues> {
  const { specs } = buildGenerator(architecture);
  const file = await TorchFile.open(path);
  try {
    const { networks } = parseReferenceFile(file);
    const values: NetworkValues = {};
    for (const [averaged, network] of Object.entries(AVERAGED)) {
      const dict = networks.get(averaged as AveragedName);
      if (dict === undefined) continue;
      checkStateDict(file, averaged, dict, specs);
      values[network] = {};
      for (const [key, spec] of Object.entries(specs)) {
        const tensor = tensorAt(dict, key);
        const data = await file.read(tensor);
        values[network][key] = fromTorchTensor(spec, { shape: [...tensor.shape], data }, 1);
      }
    }
    return values;
  } finally {
    await file.close();
  }
}

/** Compares translations by an exported PyTorch file with those by its source. @throws InputError if the file is damaged. */
export async function compareTorchFile(
  path: string,
  source: ExportSource,
  inputs: ComparisonInputs,
): Promise<Comparison[]> {
  const exported = await readGenerators(path, source);
  return compareWeights(source.architecture, { exported, source: source.values }, inputs, 'float32');
}
