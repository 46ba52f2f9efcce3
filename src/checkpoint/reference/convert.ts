import type { ParameterSpec } from '../../model/parameters.js';
import type { TensorToStore } from '../safetensors.js';
import type { TorchFile } from '../torch-file/torch-file.js';
import type { TorchTensorRef } from '../torch-file/values.js';
import { fromTorchTensor, toTorchTensor } from '../torch-layout.js';
import { keepRounding } from './rounding.js';

/**
 * Parts of a training state, with the power of the gain by which ours is larger than the reference's: a parameter is
 * larger by its gain, so that its gradient is smaller, and its gradient's square twice so.
 */
export const GAIN_POWERS = { ema: 1, values: 1, first: -1, second: -2 } as const;
export type Part = keyof typeof GAIN_POWERS;

/**
 * Beside an imported checkpoint: what translation and training do not need, but an export that gives the official file
 * back bit for bit. Names are `PART/NETWORK/PATH`, and `step/NETWORK/PATH` where Adam counted other steps than the file.
 */
export const AS_IMPORTED = 'as-imported.safetensors';

/** Turns tensors of a reference's file into ours, and collects what the way back needs. */
export class Converter {
  readonly asImported = new Map<string, TensorToStore>();
  private readonly file: TorchFile;
  private readonly onBytes: (bytes: number) => void;

  /** @param onBytes is told how many bytes of the file a tensor had. */
  constructor(file: TorchFile, onBytes: (bytes: number) => void) {
    this.file = file;
    this.onBytes = onBytes;
  }

  /** One tensor in our layout. @param name `NETWORK/PATH`. */
  async convert(
    part: Part,
    name: string,
    spec: ParameterSpec,
    tensor: TorchTensorRef,
  ): Promise<TensorToStore> {
    const exact = await this.file.read(tensor);
    const power = GAIN_POWERS[part];
    const ours = fromTorchTensor(spec, { shape: [...tensor.shape], data: exact }, power);
    const kept = keepRounding(exact, toTorchTensor(spec, ours, power).data, tensor.shape);
    if (kept) this.asImported.set(`${part}/${name}`, kept);
    this.onBytes(tensor.bytes);
    return { shape: spec.shape, data: ours };
  }

  /** Keeps a tensor as it is, for the way back alone. */
  async keep(part: Part, name: string, tensor: TorchTensorRef): Promise<void> {
    const data = await this.file.read(tensor);
    if (data.some((value) => value !== 0))
      this.asImported.set(`${part}/${name}`, { shape: tensor.shape, data });
    this.onBytes(tensor.bytes);
  }

  /** Keeps Adam's count of steps where it is not that of the file (the reference repeats a step whenever it resumes). */
  async keepStep(name: string, count: TorchTensorRef | number | undefined, step: number): Promise<void> {
    const own = typeof count === 'object' ? (await this.file.read(count))[0]! : count;
    if (own !== undefined && own !== step)
      this.asImported.set(`step/${name}`, { shape: [], data: Float32Array.of(own) });
  }
}
