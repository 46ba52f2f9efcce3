/** Decoded pictures by index, within a number of bytes; the one that was used longest ago goes first. */
export class ImageCache {
  private readonly pictures = new Map<number, Uint8Array>();
  private usedBytes = 0;

  constructor(readonly limitBytes: number) {}

  get bytes(): number {
    return this.usedBytes;
  }

  get(index: number): Uint8Array | undefined {
    const picture = this.pictures.get(index);
    if (picture === undefined) return undefined;
    // A Map keeps the order of insertion: the first is always the one used longest ago.
    this.pictures.delete(index);
    this.pictures.set(index, picture);
    return picture;
  }

  set(index: number, picture: Uint8Array): void {
    this.delete(index);
    if (picture.byteLength > this.limitBytes) return;
    this.pictures.set(index, picture);
    this.usedBytes += picture.byteLength;
    for (const oldest of this.pictures.keys()) {
      if (this.usedBytes <= this.limitBytes) break;
      this.delete(oldest);
    }
  }

  clear(): void {
    this.pictures.clear();
    this.usedBytes = 0;
  }

  private delete(index: number): void {
    this.usedBytes -= this.pictures.get(index)?.byteLength ?? 0;
    this.pictures.delete(index);
  }
}
