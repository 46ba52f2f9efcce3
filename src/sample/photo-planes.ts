// Blurs of planes of numbers.

/** Blurs a square plane of `channels` interleaved channels in place. @param deviation standard deviation, px. */
export function blur(plane: Float32Array, size: number, channels: number, deviation: number): void {
  if (deviation < 0.1) return;
  const along = deviation > 2 ? boxes(deviation) : kernel(deviation);
  const line = new Float32Array(size);
  const out = new Float32Array(size);
  for (const [stride, step] of [
    [channels, channels * size],
    [channels * size, channels],
  ] as const)
    for (let i = 0; i < size; i++)
      for (let channel = 0; channel < channels; channel++) {
        const start = i * step + channel;
        for (let k = 0; k < size; k++) line[k] = plane[start + k * stride]!;
        along(line, out);
        for (let k = 0; k < size; k++) plane[start + k * stride] = out[k]!;
      }
}

type Along = (line: Float32Array, out: Float32Array) => void;

/** Gaussian weights. */
function kernel(deviation: number): Along {
  const radius = Math.ceil(2.6 * deviation);
  const weights = Array.from({ length: radius + 1 }, (_, i) => Math.exp(-0.5 * (i / deviation) ** 2));
  const sum = weights.reduce((a, b) => a + b) * 2 - 1;
  return (line, out) => {
    const last = line.length - 1;
    for (let i = 0; i <= last; i++) {
      let value = weights[0]! * line[i]!;
      for (let k = 1; k <= radius; k++)
        value += weights[k]! * (line[Math.max(0, i - k)]! + line[Math.min(last, i + k)]!);
      out[i] = value / sum;
    }
  };
}

/** Three running means, nearly Gaussian, whose time does not grow with the deviation. */
function boxes(deviation: number): Along {
  const radius = Math.max(1, Math.round((Math.sqrt(4 * deviation ** 2 + 1) - 1) / 2));
  const pass: Along = (line, out) => {
    const last = line.length - 1;
    let sum = 0;
    for (let k = -radius; k <= radius; k++) sum += line[Math.min(last, Math.max(0, k))]!;
    for (let i = 0; i <= last; i++) {
      out[i] = sum / (2 * radius + 1);
      sum += line[Math.min(last, i + radius + 1)]! - line[Math.max(0, i - radius)]!;
    }
  };
  return (line, out) => {
    pass(line, out);
    pass(out, line);
    pass(line, out);
  };
}

/** A plane moved by whole pixels; what comes from outside is 0. */
export function moved(plane: Float32Array, size: number, dx: number, dy: number): Float32Array {
  const out = new Float32Array(plane.length);
  const [right, down] = [Math.round(dx), Math.round(dy)];
  for (let y = Math.max(0, down); y < Math.min(size, size + down); y++)
    for (let x = Math.max(0, right); x < Math.min(size, size + right); x++)
      out[y * size + x] = plane[(y - down) * size + x - right]!;
  return out;
}
