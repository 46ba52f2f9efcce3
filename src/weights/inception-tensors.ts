/** A convolution without bias and its batch normalisation: out and in channels, height and width of the kernel. */
type Unit = readonly [path: string, outChannels: number, inChannels: number, height: number, width: number];

function blockA(path: string, channels: number, pooled: number): Unit[] {
  return [
    [`${path}.branch1x1`, 64, channels, 1, 1],
    [`${path}.branch5x5_1`, 48, channels, 1, 1],
    [`${path}.branch5x5_2`, 64, 48, 5, 5],
    [`${path}.branch3x3dbl_1`, 64, channels, 1, 1],
    [`${path}.branch3x3dbl_2`, 96, 64, 3, 3],
    [`${path}.branch3x3dbl_3`, 96, 96, 3, 3],
    [`${path}.branch_pool`, pooled, channels, 1, 1],
  ];
}

function blockC(path: string, width: number): Unit[] {
  return [
    [`${path}.branch1x1`, 192, 768, 1, 1],
    [`${path}.branch7x7_1`, width, 768, 1, 1],
    [`${path}.branch7x7_2`, width, width, 1, 7],
    [`${path}.branch7x7_3`, 192, width, 7, 1],
    [`${path}.branch7x7dbl_1`, width, 768, 1, 1],
    [`${path}.branch7x7dbl_2`, width, width, 7, 1],
    [`${path}.branch7x7dbl_3`, width, width, 1, 7],
    [`${path}.branch7x7dbl_4`, width, width, 7, 1],
    [`${path}.branch7x7dbl_5`, 192, width, 1, 7],
    [`${path}.branch_pool`, 192, 768, 1, 1],
  ];
}

function blockE(path: string, channels: number): Unit[] {
  return [
    [`${path}.branch1x1`, 320, channels, 1, 1],
    [`${path}.branch3x3_1`, 384, channels, 1, 1],
    [`${path}.branch3x3_2a`, 384, 384, 1, 3],
    [`${path}.branch3x3_2b`, 384, 384, 3, 1],
    [`${path}.branch3x3dbl_1`, 448, channels, 1, 1],
    [`${path}.branch3x3dbl_2`, 384, 448, 3, 3],
    [`${path}.branch3x3dbl_3a`, 384, 384, 1, 3],
    [`${path}.branch3x3dbl_3b`, 384, 384, 3, 1],
    [`${path}.branch_pool`, 192, channels, 1, 1],
  ];
}

const UNITS: readonly Unit[] = [
  ['Conv2d_1a_3x3', 32, 3, 3, 3],
  ['Conv2d_2a_3x3', 32, 32, 3, 3],
  ['Conv2d_2b_3x3', 64, 32, 3, 3],
  ['Conv2d_3b_1x1', 80, 64, 1, 1],
  ['Conv2d_4a_3x3', 192, 80, 3, 3],
  ...blockA('Mixed_5b', 192, 32),
  ...blockA('Mixed_5c', 256, 64),
  ...blockA('Mixed_5d', 288, 64),
  ['Mixed_6a.branch3x3', 384, 288, 3, 3],
  ['Mixed_6a.branch3x3dbl_1', 64, 288, 1, 1],
  ['Mixed_6a.branch3x3dbl_2', 96, 64, 3, 3],
  ['Mixed_6a.branch3x3dbl_3', 96, 96, 3, 3],
  ...blockC('Mixed_6b', 128),
  ...blockC('Mixed_6c', 160),
  ...blockC('Mixed_6d', 160),
  ...blockC('Mixed_6e', 192),
  ['Mixed_7a.branch3x3_1', 192, 768, 1, 1],
  ['Mixed_7a.branch3x3_2', 320, 192, 3, 3],
  ['Mixed_7a.branch7x7x3_1', 192, 768, 1, 1],
  ['Mixed_7a.branch7x7x3_2', 192, 192, 1, 7],
  ['Mixed_7a.branch7x7x3_3', 192, 192, 7, 1],
  ['Mixed_7a.branch7x7x3_4', 192, 192, 3, 3],
  ...blockE('Mixed_7b', 1280),
  ...blockE('Mixed_7c', 2048),
];

/**
 * Shapes of Inception v3's tensors up to the pooled features, without classifiers and counters, as torchvision's
 * `state_dict` has them (models/inception.py); pytorch-fid's variant differs in its pooling alone.
 */
export function inceptionTensors(): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const [path, outChannels, inChannels, height, width] of UNITS) {
    shapes.set(`${path}.conv.weight`, [outChannels, inChannels, height, width]);
    for (const name of ['weight', 'bias', 'running_mean', 'running_var'])
      shapes.set(`${path}.bn.${name}`, [outChannels]);
  }
  return shapes;
}
