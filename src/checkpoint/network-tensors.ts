// Converts between networks' values and named tensors of a file.
import { InputError } from '../base/errors.js';
import type { NetworkValues, ParameterSpecs } from '../model/parameters.js';
import type { TensorToStore } from './safetensors-header.js';

/** Specs by network name. */
export type NetworkSpecs = Readonly<Record<string, ParameterSpecs>>;

/** Values as tensors named `PREFIX` + `NETWORK/PATH`, in this project's layout. */
export function toTensors(
  prefix: string,
  values: NetworkValues,
  specs: NetworkSpecs,
): [string, TensorToStore][] {
  return Object.entries(values).flatMap(([network, tree]) =>
    Object.entries(tree).map(([path, data]): [string, TensorToStore] => [
      `${prefix}${network}/${path}`,
      { shape: specs[network]![path]!.shape, data },
    ]),
  );
}

/**
 * The reverse of `toTensors`, checked against the networks' shapes.
 *
 * @param file the tensors' file, for messages. @throws InputError that names a tensor that is missing, of another shape or not finite.
 */
export function fromTensors(
  tensors: ReadonlyMap<string, Pick<TensorToStore, 'shape' | 'data'>>,
  prefix: string,
  specs: NetworkSpecs,
  { file, remedy }: { file: string; remedy: string },
): NetworkValues {
  const values: NetworkValues = {};
  for (const [network, tree] of Object.entries(specs)) {
    values[network] = {};
    for (const [path, { shape }] of Object.entries(tree)) {
      const name = `${prefix}${network}/${path}`;
      const tensor = tensors.get(name);
      if (!(tensor?.data instanceof Float32Array) || tensor.shape.join() !== shape.join())
        throw new InputError({
          expected: `the tensor ${name} of shape [${shape}] in ${file}`,
          found: tensor === undefined ? 'none' : `one of shape [${tensor.shape}]`,
          remedy,
        });
      // The first NaN spreads to every pixel, and would be drawn as black.
      if (!tensor.data.every(Number.isFinite))
        throw new InputError({
          expected: `finite numbers in the tensor ${name} of ${file}`,
          found: 'NaN or infinity',
          remedy:
            'use an earlier checkpoint or another copy: these weights are damaged, or their run had diverged',
        });
      values[network][path] = tensor.data;
    }
  }
  return values;
}
