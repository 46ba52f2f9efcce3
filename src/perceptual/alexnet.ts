// AlexNet's convolutions, the trunk of LPIPS for evaluation.

import { buildTrunk, type Trunk } from './trunk.js';

/** AlexNet (Krizhevsky 2014, torchvision's), tapped after its five ReLUs as in LPIPS (lpips 0.1.4, pretrained_networks.py). */
export function alexnet(): Trunk {
  const convolution = (
    path: string,
    inChannels: number,
    outChannels: number,
    size: number,
    stride: number,
    padding: number,
  ) => ({ kind: 'convolution', path, inChannels, outChannels, size, stride, padding, tap: true }) as const;
  const pool = { kind: 'max-pool', size: 3, stride: 2 } as const;
  return buildTrunk([
    convolution('slice1.0', 3, 64, 11, 4, 2),
    pool,
    convolution('slice2.3', 64, 192, 5, 1, 2),
    pool,
    convolution('slice3.6', 192, 384, 3, 1, 1),
    convolution('slice4.8', 384, 256, 3, 1, 1),
    convolution('slice5.10', 256, 256, 3, 1, 1),
  ]);
}
