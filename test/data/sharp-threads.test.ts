import sharp from 'sharp';
import { expect, it, vi } from 'vitest';

vi.mock(import('../../src/base/processors.js'), async (original) => ({
  ...(await original()),
  limitedProcessors: () => 2,
}));

it("the decoder of images has no more threads than the container's quota allows", async () => {
  sharp.concurrency(8);
  await import('../../src/data/image-file.js');
  expect(sharp.concurrency()).toBe(2);
});
