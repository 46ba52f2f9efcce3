// Measures how much a video changes from frame to frame.
/** Measures how much neighbouring frames differ, without any motion compensation, while they stream by. */
export class ChangeMeter {
  private readonly frameBytes: number;
  private last: Uint8Array | undefined;
  private sum = 0;
  private pairs = 0;

  /** @param frameBytes bytes of one frame. */
  constructor(frameBytes: number) {
    this.frameBytes = frameBytes;
  }

  /** Takes the next frames, one or more: `[n * frameBytes]`. */
  add(frames: Uint8Array | Uint8ClampedArray): void {
    for (let from = 0; from < frames.length; from += this.frameBytes) {
      const frame = frames.subarray(from, from + this.frameBytes);
      if (this.last !== undefined) {
        let sum = 0;
        for (let i = 0; i < frame.length; i++) sum += Math.abs(frame[i]! - this.last[i]!);
        this.sum += sum;
        this.pairs++;
      }
      this.last ??= new Uint8Array(this.frameBytes);
      this.last.set(frame);
    }
  }

  /** @returns the mean absolute difference of neighbouring frames, 0 to 1 of the range; null for fewer than two frames. */
  meanChange(): number | null {
    return this.pairs === 0 ? null : this.sum / (this.pairs * this.frameBytes * 255);
  }
}
