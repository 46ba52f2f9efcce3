// Converts tensors of a reference checkpoint to this project's layout.
import { InputError } from '../../base/errors.js';
import type { ParameterSpec } from '../../model/parameters.js';
import type { TensorToStore } from '../safetensors.js';
import type { TensorFile } from '../torch-file/torch-file.js';
import type { TorchTensorRef } from '../torch-file/values.js';
import { fromTorchTensor, toTorchTensor } from '../torch-layout.js';
import { keepRounding } from './rounding.js';

/**
 * Parts of a training state, each with the power of the gain that converts the reference's values to this project's: a
 * parameter is larger by its gain here, its gradient smaller by the gain, and its gradient's square by the gain's square.
 */
export const GAIN_POWERS = { ema: 1, values: 1, first: -1, second: -2 } as const;
export type Part = keyof typeof GAIN_POWERS;

/**
 * A file beside an imported checkpoint. Translation and training do not need it; an export needs it to reproduce the official
 * file bit for bit. Names are `PART/NETWORK/PATH`, and `step/NETWORK/PATH` if Adam counted other steps than the file.
 */
export const AS_IMPORTED = 'as-imported.safetensors';

/** Converts tensors of a reference file, and collects the data for exact conversion back. */
export class Converter {
  readonly asImported = new Map<string, TensorToStore>();
  private readonly file: TensorFile;
  private readonly onBytes: (bytes: number) => void;

  /** @param onBytes called with the bytes of each tensor in the file. */
  constructor(file: TensorFile, onBytes: (bytes: number) => void) {
    this.file = file;
    this.onBytes = onBytes;
  }

  /** A tensor in this project's layout. @param name `NETWORK/PATH`. */
  async convert(
    part: Part,
    name: string,
    spec: ParameterSpec,
    tensor: TorchTensorRef,
  ): Promise<TensorToStore> {
    const exact = await this.file.read(tensor);
    if (!exact.every(Number.isFinite))
      throw new InputError({
        expected: `finite numbers in ${name} of ${this.file.path}`,
        found: 'NaN or infinity',
        remedy:
          'use an earlier checkpoint: this run had diverged, or its numbers were too large for their type',
      });
    const power = GAIN_POWERS[part];
    const converted = fromTorchTensor(spec, { shape: [...tensor.shape], data: exact }, power);
    const kept = keepRounding(exact, toTorchTensor(spec, converted, power).data, tensor.shape);
    if (kept) this.asImported.set(`${part}/${name}`, kept);
    this.onBytes(tensor.bytes);
    return { shape: spec.shape, data: converted };
  }

  /** Keeps a tensor unchanged, only for conversion back. */
  async keep(part: Part, name: string, tensor: TorchTensorRef): Promise<void> {
    const data = await this.file.read(tensor);
    if (data.some((value) => value !== 0))
      this.asImported.set(`${part}/${name}`, { shape: tensor.shape, data });
    this.onBytes(tensor.bytes);
  }

  /** Keeps Adam's count of steps if it is not that of the file (the reference repeats a step whenever it resumes). */
  async keepStep(name: string, count: TorchTensorRef | number | undefined, step: number): Promise<void> {
    const counted = typeof count === 'object' ? (await this.file.read(count))[0]! : count;
    if (counted !== undefined && counted !== step)
      this.asImported.set(`step/${name}`, { shape: [], data: Float32Array.of(counted) });
  }
}
