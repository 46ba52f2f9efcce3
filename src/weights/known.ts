// The known pretrained weights: official files, hashes, tensors.
import { torchShapeOf } from '../checkpoint/torch-layout.js';
import type { ParameterSpecs } from '../model/parameters.js';
import { buildInception, inceptionPaths } from '../perceptual/inception.js';
import { buildLpips, type LpipsNet } from '../perceptual/lpips.js';
import type { WeightName } from './names.js';

/** A file that the authors of the weights offer. */
export interface OfficialFile {
  /** Its name at the source and on mirrors. */
  name: string;
  /** Its address; null for a file that a newer one replaced. */
  url: string | null;
  /**
   * Its SHA-256, or git's id of its content (SHA-1 of `blob BYTES\0` and the bytes).
   */
  identity: { sha256: string } | { gitBlob: string };
}

export interface KnownWeights {
  /** What uses them. */
  use: string;
  /** First the file to fetch, then others that are accepted. */
  files: readonly OfficialFile[];
  /** The approximate size of the first file. */
  downloadBytes: number;
  /** The kept tensors by torch's names: shapes in torch's layout. */
  tensors: ReadonlyMap<string, readonly number[]>;
  /** A tensor that is not kept; its shape distinguishes these weights from others with the same `tensors`. */
  mark?: { name: string; shape: readonly number[] };
  /** The name of a kept tensor in a file of a whole `lpips.LPIPS`. */
  nameInLpips?: (name: string) => string;
  /** Names of the network's tensors: if a file has others of them than `tensors`, it is of another network. */
  family: RegExp;
}

const TRUNK_PATH = /^slice\d+\.(\d+\.(?:weight|bias))$/;
const LINEAR_PATH = /^lin(\d+)\.weight$/;

/** torchvision's name of a parameter of an LPIPS trunk; undefined for other parameters. */
export function trunkName(path: string): string | undefined {
  const match = TRUNK_PATH.exec(path);
  return match ? `features.${match[1]}` : undefined;
}

/** The lpips package's name of a linear layer; undefined for other parameters. */
export function linearName(path: string): string | undefined {
  const match = LINEAR_PATH.exec(path);
  return match ? `lin${match[1]}.model.1.weight` : undefined;
}

function renamed(specs: ParameterSpecs, nameOf: (path: string) => string | undefined) {
  const names = Object.entries(specs).flatMap(([path, spec]): [string, number[]][] => {
    const name = nameOf(path);
    return name === undefined ? [] : [[name, torchShapeOf(spec)]];
  });
  return new Map(names);
}

function trunk(net: LpipsNet): Pick<KnownWeights, 'tensors' | 'nameInLpips' | 'family'> {
  const { specs } = buildLpips(net);
  const packageNames = new Map(Object.keys(specs).map((path) => [trunkName(path), `net.${path}`]));
  return {
    tensors: renamed(specs, trunkName),
    nameInLpips: (name) => packageNames.get(name)!,
    family: /^(features|net)\./,
  };
}

function linear(net: LpipsNet): Pick<KnownWeights, 'tensors' | 'family'> {
  return { tensors: renamed(buildLpips(net).specs, linearName), family: /^lin\d+\./ };
}

/**
 * Inception's tensors up to the pooled features, without classifiers and counters: each convolution and its batch norm,
 * before folding. Both variants have the same tensors.
 */
function inceptionTensors(): Map<string, number[]> {
  const inception = buildInception('fid');
  const shapes = new Map<string, number[]>();
  for (const path of inceptionPaths(inception)) {
    const shape = torchShapeOf(inception.specs[`${path}.weight`]!);
    shapes.set(`${path}.conv.weight`, shape);
    for (const name of ['weight', 'bias', 'running_mean', 'running_var'])
      shapes.set(`${path}.bn.${name}`, shape.slice(0, 1));
  }
  return shapes;
}

/** A file of torchvision, whose names end in the first digits of the file's SHA-256. */
function torchvisionFile(name: string, sha256: string): OfficialFile {
  return { name, url: `https://download.pytorch.org/models/${name}`, identity: { sha256 } };
}

/** A file that torchvision has replaced. */
function replacedFile(name: string, sha256: string): OfficialFile {
  return { name, url: null, identity: { sha256 } };
}

/** A file in the repository of package lpips (version 0.1 of the layers), with git's id of it. */
function lpipsFile(net: LpipsNet, gitBlob: string): OfficialFile {
  const folder = 'https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1';
  return { name: `${net}.pth`, url: `${folder}/${net}.pth`, identity: { gitBlob } };
}

/**
 * All known weights. The hashes of torchvision's and pytorch-fid's files are those that several public repositories record
 * (of `alexnet-owt-4df8aa71` one), and begin with the digits of the names; those of the LPIPS layers are of the files in
 * package lpips 0.1.4. Names are from torchvision's models/inception.py, vgg.py and alexnet.py (those of replaced files from its
 * older versions), from pytorch-fid's inception.py (FID_WEIGHTS_URL), and from the tree of PerceptualSimilarity. Sizes are
 * torchvision's `_file_size`, and 4 bytes for each of pytorch-fid's numbers.
 */
export const KNOWN_WEIGHTS: Readonly<Record<WeightName, KnownWeights>> = {
  inception: {
    use: 'FID, KID, precision, density, DFID (as in pytorch-fid and clean-fid)',
    files: [
      {
        name: 'pt_inception-2015-12-05-6726825d.pth',
        url: 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth',
        identity: { sha256: '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2' },
      },
    ],
    downloadBytes: 95_600_000,
    tensors: inceptionTensors(),
    mark: { name: 'fc.weight', shape: [1008, 2048] },
    family: /^(Conv2d|Mixed)_/,
  },
  'inception-imagenet': {
    use: 'the same metrics as in StarGAN v2',
    files: [
      torchvisionFile(
        'inception_v3_google-0cc3c7bd.pth',
        '0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef',
      ),
      replacedFile(
        'inception_v3_google-1a9a5a14.pth',
        '1a9a5a14f40645a370184bd54f4e8e631351e71399112b43ad0294a79da290c8',
      ),
    ],
    downloadBytes: 108_950_000,
    tensors: inceptionTensors(),
    mark: { name: 'fc.weight', shape: [1000, 2048] },
    family: /^(Conv2d|Mixed)_/,
  },
  vgg16: {
    use: 'LPIPS (VGG), the perceptual loss',
    files: [
      torchvisionFile(
        'vgg16-397923af.pth',
        '397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0',
      ),
    ],
    downloadBytes: 553_430_000,
    ...trunk('vgg'),
  },
  alexnet: {
    use: 'LPIPS (AlexNet)',
    files: [
      torchvisionFile(
        'alexnet-owt-7be5be79.pth',
        '7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02',
      ),
      replacedFile(
        'alexnet-owt-4df8aa71.pth',
        '4df8aa717fd11ab2d34e9483c5984ef7cdbefd732366a836076020db08909c9a',
      ),
    ],
    downloadBytes: 244_410_000,
    ...trunk('alex'),
  },
  'lpips-vgg': {
    use: 'LPIPS (VGG), the perceptual loss',
    files: [lpipsFile('vgg', '47e943cfacabf7040b4af8cf4084ab91177f1b88')],
    downloadBytes: 7289,
    ...linear('vgg'),
  },
  'lpips-alex': {
    use: 'LPIPS (AlexNet)',
    files: [lpipsFile('alex', '1df9dfe62abb1fc89cc7f82b4e5fe886c979708e')],
    downloadBytes: 6009,
    ...linear('alex'),
  },
};
