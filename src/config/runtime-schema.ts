// The config's runtime section: how the machine computes.
import { z } from 'zod';
import { count } from './fields.js';

export const runtime = z.strictObject({
  capture: z
    .boolean()
    .default(true)
    .describe(
      'Run a training step, and a translation, as one TensorFlow graph; false runs them kernel by kernel, slower.',
    ),
  arithmetic: z
    .enum(['float32', 'tf32', 'bfloat16'])
    .default('float32')
    .describe(
      'Numbers that convolutions and products multiply in: true float32; tf32, which NVIDIA GPUs since Ampere have (10 bits of mantissa, faster); or bfloat16 in convolutions of captured runs (8 bits), faster on those GPUs and on processors that have it. Weights, optimizer and sums stay float32. gnr doctor tells what the machine has.',
    ),
  deterministic: z
    .boolean()
    .default(true)
    .describe(
      'On a GPU, take algorithms that give the same bytes each time on the same card, driver and versions, so that a resumed run goes on exactly; false lets TensorFlow time algorithms and take the fastest. Processors always give the same bytes.',
    ),
  gpuMemory: count(2 ** 28, 1e15)
    .nullable()
    .default(null)
    .describe('GPU memory that TensorFlow may take at most, bytes; null takes it as it is needed.'),
  activations: z
    .enum(['float32', 'bfloat16'])
    .default('float32')
    .describe(
      'Numbers that feature maps are kept in from one convolution to the next; bfloat16 needs runtime.arithmetic=bfloat16 and halves their memory. It is meant for GPUs, where reading and writing them takes most of a step; a processor is not faster with it.',
    ),
  microBatch: count(1, 4096)
    .nullable()
    .default(null)
    .describe(
      'Pictures that go through a network at a time, where training.batch is larger: gradients are accumulated part by part, which takes the memory of a small batch and another forward pass; statistics over the batch stay those of the whole, and results are the same. null takes all at once.',
    ),
  recomputeActivations: z
    .boolean()
    .default(false)
    .describe(
      'Activation checkpointing: keep for the gradients only what enters each block of the networks and compute the rest again, which saves memory where pictures or batches are large and takes another forward pass; results are the same.',
    ),
});
