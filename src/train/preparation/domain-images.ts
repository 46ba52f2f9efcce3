// Prepares one domain's images of a step, from bytes to augmented numbers, in whatever thread.
import { type Augmentation, applyAugmentation } from '../../augment/augment.js';

/** The images of one domain of a step with their augmentations; can be sent to another thread. */
export interface DomainTask {
  /** `[batch, size, size, 3]`, 8-bit sRGB. */
  images: Uint8Array<ArrayBuffer>;
  /** Width and height of the images, px. */
  size: number;
  /** One augmentation per image. */
  mixed: readonly Augmentation[];
  /** Index of the image that fills the batch `same`, augmented differently each time. */
  index: number;
  same: readonly Augmentation[];
}

/** Images `[batch, size, size, 3]` in [-1, 1]: `mixed` is the augmented batch, `same` one of its images, augmented anew in each row. */
export interface DomainImages {
  mixed: Float32Array<ArrayBuffer>;
  same: Float32Array<ArrayBuffer>;
}

const CHANNELS = 3;
/** The value in [-1, 1] of each byte. */
const NORMALISED = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

function normalise(bytes: Uint8Array, from: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = NORMALISED[bytes[from + i]!]!;
}

/**
 * Prepares the images of a domain (A and aug_A in the reference's train.py), and yields after each.
 *
 * @throws RangeError for a warp that flattens the image.
 */
export function* preparing({ images, size, mixed, index, same }: DomainTask): Generator<void, DomainImages> {
  const length = size * size * CHANNELS;
  const image = new Float32Array(length);
  const out = {
    mixed: new Float32Array(mixed.length * length),
    same: new Float32Array(same.length * length),
  };
  for (const [i, augmentation] of mixed.entries()) {
    normalise(images, i * length, image);
    applyAugmentation(image, size, augmentation, out.mixed, i * length);
    yield;
  }
  normalise(images, index * length, image);
  for (const [i, augmentation] of same.entries()) {
    applyAugmentation(image, size, augmentation, out.same, i * length);
    yield;
  }
  return out;
}

/** Prepares the images of a domain without pauses. */
export function prepare(task: DomainTask): DomainImages {
  const work = preparing(task);
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
