// A least-recently-used cache of decoded images.
/** Keeps decoded images by index, up to a number of bytes; the least recently used is dropped first. */
export class ImageCache {
  private readonly images = new Map<number, Uint8Array>();
  private usedBytes = 0;

  constructor(readonly limitBytes: number) {}

  get bytes(): number {
    return this.usedBytes;
  }

  get(index: number): Uint8Array | undefined {
    const image = this.images.get(index);
    if (image === undefined) return undefined;
    // A Map keeps the order of insertion, so the first entry is the least recently used.
    this.images.delete(index);
    this.images.set(index, image);
    return image;
  }

  set(index: number, image: Uint8Array): void {
    this.delete(index);
    if (image.byteLength > this.limitBytes) return;
    this.images.set(index, image);
    this.usedBytes += image.byteLength;
    for (const oldest of this.images.keys()) {
      if (this.usedBytes <= this.limitBytes) break;
      this.delete(oldest);
    }
  }

  clear(): void {
    this.images.clear();
    this.usedBytes = 0;
  }

  private delete(index: number): void {
    this.usedBytes -= this.images.get(index)?.byteLength ?? 0;
    this.images.delete(index);
  }
}
