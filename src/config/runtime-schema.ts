// The config's runtime section: how the machine computes.
import { z } from 'zod';
import { count } from './fields.js';

export const runtime = z.strictObject({
  capture: z
    .boolean()
    .default(true)
    .describe(
      'Run each training step and each translation as one TensorFlow graph; false runs them kernel by kernel, which is slower.',
    ),
  arithmetic: z
    .enum(['float32', 'tf32', 'bfloat16'])
    .default('float32')
    .describe(
      'Precision in which convolutions and matrix products multiply: true float32; tf32 (10 bits of mantissa), which is faster on NVIDIA GPUs since Ampere; or bfloat16 (8 bits) in convolutions of captured runs, which is faster on those GPUs and on processors that support it. Weights, optimizer and sums stay float32. gnr doctor shows what the machine supports.',
    ),
  deterministic: z
    .boolean()
    .default(true)
    .describe(
      'On a GPU, use algorithms that give the same bytes each time on the same card, driver and versions, so that a resumed run continues exactly; false lets TensorFlow time algorithms and use the fastest. Processors always give the same bytes.',
    ),
  gpuMemory: count(2 ** 28, 1e15)
    .nullable()
    .default(null)
    .describe('The most GPU memory that TensorFlow may use, bytes; null allocates it as needed.'),
  activations: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe(
      'Type of feature maps between convolutions; bfloat16 needs runtime.arithmetic=bfloat16 and halves their memory. It is meant for GPUs, where reading and writing feature maps takes most of a step; on processors it is not faster.',
    ),
  microBatch: count(1, 4096)
    .nullable()
    .default(null)
    .describe(
      'Number of images that go through a network at a time if training.batch is larger. Gradients are accumulated over micro-batches, which needs the memory of a small batch and another forward pass. Statistics cover the whole batch, and results are the same. null processes all at once.',
    ),
  recomputeActivations: z
    .boolean()
    .default(false)
    .describe(
      'Activation checkpointing: keep only the inputs of each block of the networks for the gradients and recompute the rest, which saves memory with large images or batches and takes another forward pass. Results are the same.',
    ),
});
