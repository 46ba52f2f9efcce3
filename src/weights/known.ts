import { torchShapeOf } from '../checkpoint/torch-layout.js';
import type { ParameterSpecs } from '../model/parameters.js';
import { buildInception, inceptionPaths } from '../perceptual/inception.js';
import { buildLpips, type LpipsNet } from '../perceptual/lpips.js';
import type { WeightName } from './names.js';

/** A file that the makers of the weights offer. */
export interface OfficialFile {
  /** Its name there, which is also its name under a mirror's address. */
  name: string;
  /** Where it is; null for one that another has taken the place of. */
  url: string | null;
  /** The first digits of its SHA-256, or git's id of its content (SHA-1 of `blob BYTES\0` and the bytes). */
  identity: { sha256Prefix: string } | { gitBlob: string };
}

export interface KnownWeights {
  /** What they are for. */
  use: string;
  /** The file to fetch first, then those that are accepted too. */
  files: readonly OfficialFile[];
  /** About the bytes of the first file. */
  downloadBytes: number;
  /** What of it is kept, by torch's names: shapes in torch's layout. */
  tensors: ReadonlyMap<string, readonly number[]>;
  /** A tensor that is not kept and whose shape tells these weights from others with the same `tensors`. */
  mark?: { name: string; shape: readonly number[] };
  /** The name that a kept tensor has where the file is a whole `lpips.LPIPS`. */
  nameInLpips?: (name: string) => string;
  /** Tensors with such names belong to these weights: others than the kept ones are those of another network. */
  family: RegExp;
}

const TRUNK_PATH = /^slice\d+\.(\d+\.(?:weight|bias))$/;
const LINEAR_PATH = /^lin(\d+)\.weight$/;

/** torchvision's name of a parameter of an LPIPS trunk, or undefined where it is none of the trunk. */
export function trunkName(path: string): string | undefined {
  const match = TRUNK_PATH.exec(path);
  return match ? `features.${match[1]}` : undefined;
}

/** The lpips package's name of a linear layer, or undefined where the path is none. */
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
 * Inception's tensors up to the pooled features, without classifiers and counters: each convolution and its batch norm
 * before the folding. The two variants have the same.
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

/** Released with torchvision, whose download puts the first digits of a file's SHA-256 into its name. */
function torchvisionFile(name: string, sha256Prefix: string, isCurrent = true): OfficialFile {
  const url = isCurrent ? `https://download.pytorch.org/models/${name}` : null;
  return { name, url, identity: { sha256Prefix } };
}

/** Part of the repository of package lpips (version 0.1 of the layers); git's own id of the file. */
function lpipsFile(net: LpipsNet, gitBlob: string): OfficialFile {
  const folder = 'https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1';
  return { name: `${net}.pth`, url: `${folder}/${net}.pth`, identity: { gitBlob } };
}

/**
 * The weights there are. Names and digits stand in torchvision's models/inception.py, vgg.py and alexnet.py (those that
 * are accepted too in its older versions), in pytorch-fid's inception.py (FID_WEIGHTS_URL), and in the
 * tree of PerceptualSimilarity; sizes are torchvision's `_file_size`, and 4 bytes for each of pytorch-fid's numbers.
 */
export const KNOWN_WEIGHTS: Readonly<Record<WeightName, KnownWeights>> = {
  inception: {
    use: 'FID, KID, precision, density, DFID (as pytorch-fid and clean-fid)',
    files: [
      {
        name: 'pt_inception-2015-12-05-6726825d.pth',
        url: 'https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth',
        identity: { sha256Prefix: '6726825d' },
      },
    ],
    downloadBytes: 95_600_000,
    tensors: inceptionTensors(),
    mark: { name: 'fc.weight', shape: [1008, 2048] },
    family: /^(Conv2d|Mixed)_/,
  },
  'inception-imagenet': {
    use: 'the same metrics as StarGAN v2 takes them',
    files: [
      torchvisionFile('inception_v3_google-0cc3c7bd.pth', '0cc3c7bd'),
      torchvisionFile('inception_v3_google-1a9a5a14.pth', '1a9a5a14', false),
    ],
    downloadBytes: 108_950_000,
    tensors: inceptionTensors(),
    mark: { name: 'fc.weight', shape: [1000, 2048] },
    family: /^(Conv2d|Mixed)_/,
  },
  vgg16: {
    use: 'LPIPS (VGG), the perceptual loss',
    files: [torchvisionFile('vgg16-397923af.pth', '397923af')],
    downloadBytes: 553_430_000,
    ...trunk('vgg'),
  },
  alexnet: {
    use: 'LPIPS (AlexNet)',
    files: [
      torchvisionFile('alexnet-owt-7be5be79.pth', '7be5be79'),
      torchvisionFile('alexnet-owt-4df8aa71.pth', '4df8aa71', false),
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
