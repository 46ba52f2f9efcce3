// The blocks of Inception v3 as data (Szegedy et al. 2015; torchvision's inception.py).

/** A convolution with its batch norm and ReLU. */
export interface InceptionConvolution {
  /** Name within its block; for the stem, the path within the network. */
  name: string;
  inChannels: number;
  outChannels: number;
  size: readonly [height: number, width: number];
  stride: number;
  /** Zeros around the input keep height and width (stride 1); without, there is no padding. */
  isPadded: boolean;
}

/** One branch of a block; the block concatenates the channels of its branches. */
export interface InceptionBranch {
  /** Pooling at the start of the branch: 3x3 with stride 1 that keeps the size; or `reduce`: max, stride 2, no padding. */
  pool?: 'average' | 'max' | 'reduce';
  chain: readonly InceptionConvolution[];
  /** Convolutions of the chain's output, concatenated. */
  fork?: readonly InceptionConvolution[];
}

export interface InceptionBlock {
  path: string;
  branches: readonly InceptionBranch[];
}

/** One convolution of a chain: name, channels, and the shape if it is not 1x1. */
type Step = readonly [name: string, channels: number, shape?: Shape];
type Shape = Pick<InceptionConvolution, 'size' | 'stride' | 'isPadded'>;

const POINT: Shape = { size: [1, 1], stride: 1, isPadded: false };
const HALVING: Shape = { size: [3, 3], stride: 2, isPadded: false };
const BARE: Shape = { size: [3, 3], stride: 1, isPadded: false };
const padded = (height: number, width: number): Shape => ({
  size: [height, width],
  stride: 1,
  isPadded: true,
});

function chain(inChannels: number, ...steps: Step[]): InceptionConvolution[] {
  let channels = inChannels;
  return steps.map(([name, outChannels, shape = POINT]) => {
    const convolution = { name, inChannels: channels, outChannels, ...shape };
    channels = outChannels;
    return convolution;
  });
}

/** 35x35 px: InceptionA. */
function blockA(path: string, channels: number, pooled: number): InceptionBlock {
  return {
    path,
    branches: [
      { chain: chain(channels, ['branch1x1', 64]) },
      { chain: chain(channels, ['branch5x5_1', 48], ['branch5x5_2', 64, padded(5, 5)]) },
      {
        chain: chain(
          channels,
          ['branch3x3dbl_1', 64],
          ['branch3x3dbl_2', 96, padded(3, 3)],
          ['branch3x3dbl_3', 96, padded(3, 3)],
        ),
      },
      { pool: 'average', chain: chain(channels, ['branch_pool', pooled]) },
    ],
  };
}

/** 35x35 to 17x17 px: InceptionB. */
function blockB(path: string, channels: number): InceptionBlock {
  return {
    path,
    branches: [
      { chain: chain(channels, ['branch3x3', 384, HALVING]) },
      {
        chain: chain(
          channels,
          ['branch3x3dbl_1', 64],
          ['branch3x3dbl_2', 96, padded(3, 3)],
          ['branch3x3dbl_3', 96, HALVING],
        ),
      },
      { pool: 'reduce', chain: [] },
    ],
  };
}

/** 17x17 px: InceptionC, with 7x7 convolutions factorized into rows and columns. */
function blockC(path: string, narrow: number): InceptionBlock {
  const channels = 768;
  const [row, column] = [padded(1, 7), padded(7, 1)];
  return {
    path,
    branches: [
      { chain: chain(channels, ['branch1x1', 192]) },
      {
        chain: chain(
          channels,
          ['branch7x7_1', narrow],
          ['branch7x7_2', narrow, row],
          ['branch7x7_3', 192, column],
        ),
      },
      {
        chain: chain(
          channels,
          ['branch7x7dbl_1', narrow],
          ['branch7x7dbl_2', narrow, column],
          ['branch7x7dbl_3', narrow, row],
          ['branch7x7dbl_4', narrow, column],
          ['branch7x7dbl_5', 192, row],
        ),
      },
      { pool: 'average', chain: chain(channels, ['branch_pool', 192]) },
    ],
  };
}

/** 17x17 to 8x8 px: InceptionD. */
function blockD(path: string): InceptionBlock {
  const channels = 768;
  return {
    path,
    branches: [
      { chain: chain(channels, ['branch3x3_1', 192], ['branch3x3_2', 320, HALVING]) },
      {
        chain: chain(
          channels,
          ['branch7x7x3_1', 192],
          ['branch7x7x3_2', 192, padded(1, 7)],
          ['branch7x7x3_3', 192, padded(7, 1)],
          ['branch7x7x3_4', 192, HALVING],
        ),
      },
      { pool: 'reduce', chain: [] },
    ],
  };
}

/** 8x8 px: InceptionE. */
function blockE(path: string, channels: number, pool: 'average' | 'max'): InceptionBlock {
  const fork = (name: string): InceptionConvolution[] => [
    ...chain(384, [`${name}a`, 384, padded(1, 3)]),
    ...chain(384, [`${name}b`, 384, padded(3, 1)]),
  ];
  return {
    path,
    branches: [
      { chain: chain(channels, ['branch1x1', 320]) },
      { chain: chain(channels, ['branch3x3_1', 384]), fork: fork('branch3x3_2') },
      {
        chain: chain(channels, ['branch3x3dbl_1', 448], ['branch3x3dbl_2', 384, padded(3, 3)]),
        fork: fork('branch3x3dbl_3'),
      },
      { pool, chain: chain(channels, ['branch_pool', 192]) },
    ],
  };
}

/** The stem before the blocks, in two parts; 3x3 max pooling with stride 2 follows each. */
export const INCEPTION_STEM: readonly (readonly InceptionConvolution[])[] = [
  chain(3, ['Conv2d_1a_3x3', 32, HALVING], ['Conv2d_2a_3x3', 32, BARE], ['Conv2d_2b_3x3', 64, padded(3, 3)]),
  chain(64, ['Conv2d_3b_1x1', 80], ['Conv2d_4a_3x3', 192, BARE]),
];

/** The blocks in order. @param lastPool the pooling of the last one. */
export function inceptionBlocks(lastPool: 'average' | 'max'): InceptionBlock[] {
  return [
    blockA('Mixed_5b', 192, 32),
    blockA('Mixed_5c', 256, 64),
    blockA('Mixed_5d', 288, 64),
    blockB('Mixed_6a', 288),
    blockC('Mixed_6b', 128),
    blockC('Mixed_6c', 160),
    blockC('Mixed_6d', 160),
    blockC('Mixed_6e', 192),
    blockD('Mixed_7a'),
    blockE('Mixed_7b', 1280, 'average'),
    blockE('Mixed_7c', 2048, lastPool),
  ];
}
