// The network of the face detector, an SSD over MobileNet v1, on any tfjs backend; needs nothing of Node.
import * as tf from '@tensorflow/tfjs-core';

/** Side of the square that the network's anchor boxes divide, px. */
export const SSD_PX = 512;
/** The layer of MobileNet whose features the first boxes come from, and the layers that halve the resolution. */
const FIRST_BOXES = 11;
const LAYERS = 13;
const HALVING_LAYERS: ReadonlySet<number> = new Set([2, 4, 6, 12]);
/** The grids of anchor boxes: cells in a row of the whole square, and boxes of a cell. */
const GRIDS = [
  { cells: 32, boxes: 3 },
  { cells: 16, boxes: 6 },
  { cells: 8, boxes: 6 },
  { cells: 4, boxes: 6 },
  { cells: 2, boxes: 6 },
  { cells: 1, boxes: 6 },
] as const;
const EPSILON = 0.001;
/** Scores of three classes for each box: background, face, and one that was not trained. */
const CLASSES = 3;
const FACE_CLASS = 1;
/** Variances by which the network's outputs for centres and sizes are scaled. */
const CENTRE_SCALE = 10;
const SIZE_SCALE = 5;

/** A box in shares of the square, with its score from 0 to 1. */
export interface ScoredBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
  score: number;
}

interface Layer {
  filter: tf.Tensor4D;
  bias: tf.Tensor1D;
}

type Activation = 'relu6' | 'linear';

/**
 * Convolves so that results stay aligned with the input: for an odd size, TensorFlow's `same` would start one pixel earlier
 * than for an even one.
 */
function aligned(x: tf.Tensor4D, stride: number): { input: tf.Tensor4D; pad: 'same' | 'valid' } {
  const odd = [x.shape[1] % 2, x.shape[2] % 2] as const;
  if (stride === 1 || (odd[0] === 0 && odd[1] === 0)) return { input: x, pad: 'same' };
  const after = ([rows, columns] = odd): [number, number][] => [
    [0, 0],
    [0, 1 + rows],
    [0, 1 + columns],
    [0, 0],
  ];
  return { input: tf.pad(x, after()), pad: 'valid' };
}

function convolved(x: tf.Tensor4D, { filter, bias }: Layer, stride: 1 | 2, activation: Activation) {
  const { input, pad } = filter.shape[0] === 1 ? { input: x, pad: 'same' as const } : aligned(x, stride);
  return tf.fused.conv2d({ x: input, filter, bias, strides: stride, pad, activation });
}

/** The network with its weights. */
export class SsdMobileNet {
  private readonly layers = new Map<string, Layer>();
  /** `[5118, 4]`: top, left, bottom and right of the anchor boxes. */
  private readonly anchors: Float32Array;

  /** @param weights the decoded weights of @vladmandic/face-api's `ssd_mobilenetv1_model` by name; the caller disposes of them. */
  constructor(weights: Readonly<Record<string, tf.Tensor>>) {
    const weight = (name: string): tf.Tensor => {
      const tensor = weights[name];
      if (tensor === undefined) throw new Error(`the face detector's weights lack ${name}`);
      return tensor;
    };
    const add = (name: string, filter: tf.Tensor, bias: tf.Tensor): void => {
      this.layers.set(name, {
        filter: tf.keep(filter.clone()) as tf.Tensor4D,
        bias: tf.keep(bias.clone()) as tf.Tensor1D,
      });
    };
    const pointwise = (name: string): void =>
      add(name, weight(`${name}_pointwise/weights`), weight(`${name}_pointwise/convolution_bn_offset`));
    tf.tidy(() => {
      pointwise('MobilenetV1/Conv2d_0');
      for (let i = 1; i <= LAYERS; i++) {
        const name = `MobilenetV1/Conv2d_${i}`;
        const norm = (part: string): tf.Tensor => weight(`${name}_depthwise/BatchNorm/${part}`);
        // The normalisation becomes part of the filters.
        const gain = tf.div(norm('gamma'), tf.sqrt(tf.add(norm('moving_variance'), EPSILON)));
        const filter = weight(`${name}_depthwise/depthwise_weights`); // [3, 3, channels, 1]
        add(
          `${name}_depthwise`,
          tf.mul(filter, tf.reshape(gain, [1, 1, -1, 1])),
          tf.sub(norm('beta'), tf.mul(norm('moving_mean'), gain)),
        );
        pointwise(name);
      }
      for (let i = 0; i < 2 * (GRIDS.length - 2); i++) pointwise(`Prediction/Conv2d_${i}`);
      for (const i of GRIDS.keys())
        for (const head of ['BoxEncodingPredictor', 'ClassPredictor']) {
          const name = `Prediction/BoxPredictor_${i}/${head}`;
          add(name, weight(`${name}/weights`), weight(`${name}/biases`));
        }
    });
    this.anchors = weight('Output/extra_dim').dataSync() as Float32Array;
  }

  dispose(): void {
    for (const { filter, bias } of this.layers.values()) tf.dispose([filter, bias]);
    this.layers.clear();
  }

  /**
   * Returns the boxes whose score exceeds `minScore`, in no order.
   *
   * @param image `[height, width, 3]`, 0 to 255, at most `SSD_PX` px: the top left part of the square, whose rest is black.
   */
  async boxes(image: tf.Tensor3D, minScore: number): Promise<ScoredBox[]> {
    const outputs = tf.tidy(() => this.outputs(image));
    try {
      const boxes: ScoredBox[] = [];
      let first = 0;
      for (const [i, { cells, boxes: perCell }] of GRIDS.entries()) {
        const [encodings, classes] = [outputs[2 * i]!, outputs[2 * i + 1]!];
        const [, rows, columns] = encodings.shape;
        const [codes, scores] = await Promise.all([encodings.data(), classes.data()]);
        for (let at = 0; at < rows * columns * perCell; at++) {
          const score = 1 / (1 + Math.exp(-scores[at * CLASSES + FACE_CLASS]!));
          if (!(score > minScore)) continue;
          const cell = Math.floor(at / perCell);
          const [row, column] = [Math.floor(cell / columns), cell % columns];
          const anchor = first + (row * cells + column) * perCell + (at % perCell);
          boxes.push({ ...this.decoded(anchor, codes, at * 4), score });
        }
        first += cells * cells * perCell;
      }
      return boxes;
    } finally {
      tf.dispose(outputs);
    }
  }

  /** Encodings and classes of each grid, `[1, rows, columns, boxes * 4]` and `[1, rows, columns, boxes * 3]`. */
  private outputs(image: tf.Tensor3D): tf.Tensor4D[] {
    const conv = (x: tf.Tensor4D, name: string, stride: 1 | 2 = 1, activation: Activation = 'relu6') =>
      convolved(x, this.layers.get(name)!, stride, activation);
    let x = tf.sub(tf.div(tf.expandDims(tf.cast(image, 'float32')), 127.5), 1) as tf.Tensor4D;
    const features: tf.Tensor4D[] = [];
    x = conv(x, 'MobilenetV1/Conv2d_0', 2);
    for (let i = 1; i <= LAYERS; i++) {
      const name = `MobilenetV1/Conv2d_${i}`;
      const { filter, bias } = this.layers.get(`${name}_depthwise`)!;
      const strides = HALVING_LAYERS.has(i) ? 2 : 1;
      const { input, pad } = aligned(x, strides);
      const spread = tf.fused.depthwiseConv2d({ x: input, filter, bias, strides, pad, activation: 'relu6' });
      x = conv(spread, name);
      if (i === FIRST_BOXES) features.push(x);
    }
    features.push(x);
    for (let i = 0; i < 2 * (GRIDS.length - 2); i += 2) {
      x = conv(conv(x, `Prediction/Conv2d_${i}`), `Prediction/Conv2d_${i + 1}`, 2);
      features.push(x);
    }
    return features.flatMap((each, i) =>
      ['BoxEncodingPredictor', 'ClassPredictor'].map((head) =>
        conv(each, `Prediction/BoxPredictor_${i}/${head}`, 1, 'linear'),
      ),
    );
  }

  private decoded(anchor: number, codes: ArrayLike<number>, at: number): Omit<ScoredBox, 'score'> {
    const box = Array.from(this.anchors.subarray(anchor * 4, anchor * 4 + 4));
    const [top, left, bottom, right] = box as [number, number, number, number];
    const axis = (begin: number, end: number, centre: number, size: number): [number, number] => {
      const side = end - begin;
      const middle = begin + side / 2 + (centre / CENTRE_SCALE) * side;
      const half = (Math.exp(size / SIZE_SCALE) * side) / 2;
      return [Math.max(0, middle - half), Math.min(1, middle + half)];
    };
    const [boxTop, boxBottom] = axis(top, bottom, codes[at]!, codes[at + 2]!);
    const [boxLeft, boxRight] = axis(left, right, codes[at + 1]!, codes[at + 3]!);
    return { left: boxLeft, top: boxTop, right: boxRight, bottom: boxBottom };
  }
}
