// VGG-16's convolutions, the trunk of LPIPS for training.

import { buildTrunk, type Trunk, type TrunkStep } from './trunk.js';

/** Convolutions of VGG-16 block by block: torchvision's layer numbers and widths (Simonyan and Zisserman 2014, D). */
const BLOCKS = [
  { layers: [0, 2], channels: 64 },
  { layers: [5, 7], channels: 128 },
  { layers: [10, 12, 14], channels: 256 },
  { layers: [17, 19, 21], channels: 512 },
  { layers: [24, 26, 28], channels: 512 },
];

/** VGG-16, tapped at relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3 as in LPIPS (lpips 0.1.4, pretrained_networks.py). */
export function vgg16(): Trunk {
  const steps: TrunkStep[] = [];
  let inChannels = 3;
  BLOCKS.forEach(({ layers, channels }, block) => {
    if (block > 0) steps.push({ kind: 'max-pool', size: 2, stride: 2 });
    layers.forEach((layer, i) => {
      const tap = i === layers.length - 1;
      const path = `slice${block + 1}.${layer}`;
      steps.push({
        kind: 'convolution',
        path,
        inChannels,
        outChannels: channels,
        size: 3,
        stride: 1,
        padding: 1,
        tap,
      });
      inChannels = channels;
    });
  });
  return buildTrunk(steps);
}
