// Finds images that occur more than once in a dataset: exact copies and near duplicates.
import type { DatasetFolder } from '../folder.js';
import { correlate, type Details, detailsOf } from './details.js';
import { type Finding, finding, type Likeness } from './findings.js';
import { findNearPairs } from './near-pairs.js';
import { type Hash64, mirror, perceptualHash } from './perceptual-hash.js';

/**
 * Two images with near hashes are similar if their details correlate at least this much. Copies in another size, encoding
 * (down to JPEG quality 10), brightness, contrast or saturation have 0.95 or more; different portraits of the sample dataset
 * in similar poses have 0.87 or less.
 */
const MIN_CORRELATION = 0.9;
/** Below this root mean square of the details, grey levels, an image is too smooth for its hash to be meaningful. */
const SMOOTH_LEVELS = 0.5;

const FOLDERS: readonly DatasetFolder[] = ['trainA', 'trainB', 'testA', 'testB'];

/** The data of a readable image that comparisons need. */
export interface Comparable {
  folder: DatasetFolder;
  /** Path relative to the dataset. */
  file: string;
  sha256: string;
  /** [32, 32], 8-bit. */
  grey: Uint8Array;
}

/** Images with the same bytes, which are compared once. */
interface Content {
  /** Indices of the first image with this content in each folder. */
  firsts: number[];
  hash: Hash64;
  mirroredHash: Hash64;
  details: Details;
}

/** The similarity of two images, and the number of bits in which their hashes differ. */
interface Nearness {
  likeness: Likeness;
  distance: number;
}

const MATCH_KINDS = ['leaked', 'across-domains', 'duplicate', 'near-duplicate'] as const;
type MatchKind = (typeof MATCH_KINDS)[number];

/** The nearest match of each image, by kind. It uses arrays because every pair of many frames of one scene gets here. */
class Matches {
  /** Distance of the match, by kind and image. */
  private readonly ranks: Float32Array;
  private readonly partners: Int32Array;

  constructor(readonly images: readonly Comparable[]) {
    this.ranks = new Float32Array(MATCH_KINDS.length * images.length).fill(Number.POSITIVE_INFINITY);
    this.partners = new Int32Array(this.ranks.length);
  }

  /**
   * Records a pair unless the image has a nearer match of that kind.
   *
   * @param isAlike called only for a pair that would be recorded.
   */
  offer(a: number, b: number, nearness: Nearness, isAlike: () => boolean): void {
    const kind = this.kindOf(a, b, nearness.likeness);
    const subject = this.subjectOf(a, b, kind);
    const at = MATCH_KINDS.indexOf(kind) * this.images.length + subject;
    const rank = rankOf(nearness);
    if (rank >= this.ranks[at]! || !isAlike()) return;
    this.ranks[at] = rank;
    this.partners[at] = subject === a ? b : a;
  }

  /** Returns the findings by kind, then in the order of the images. */
  findings(): Finding[] {
    const count = this.images.length;
    return [...this.ranks.keys()]
      .filter((at) => this.ranks[at]! < Number.POSITIVE_INFINITY)
      .map((at) => {
        const [subject, other] = [this.images[at % count]!, this.images[this.partners[at]!]!];
        return toFinding(MATCH_KINDS[Math.floor(at / count)]!, subject, other, nearnessOf(this.ranks[at]!));
      });
  }

  private kindOf(a: number, b: number, likeness: Likeness): MatchKind {
    const [folderA, folderB] = [this.images[a]!.folder, this.images[b]!.folder];
    if (folderA === folderB) return likeness === 'same bytes' ? 'duplicate' : 'near-duplicate';
    return domainOf(folderA) === domainOf(folderB) ? 'leaked' : 'across-domains';
  }

  /** Returns the image to report: the one in the test folder, in B, or the later one. */
  private subjectOf(a: number, b: number, kind: MatchKind): number {
    const { folder } = this.images[a]!;
    if (kind === 'leaked') return folder.startsWith('test') ? a : b;
    if (kind === 'across-domains') return domainOf(folder) === 'B' ? a : b;
    return Math.max(a, b);
  }
}

function domainOf(folder: DatasetFolder): 'A' | 'B' {
  return folder === 'trainA' || folder === 'testA' ? 'A' : 'B';
}

/** Ranks exact copies first, then by bits, mirrored ones last among equals. */
function rankOf({ likeness, distance }: Nearness): number {
  return likeness === 'same bytes' ? -1 : distance + (likeness === 'alike' ? 0 : 0.5);
}

function nearnessOf(rank: number): Nearness {
  if (rank < 0) return { likeness: 'same bytes', distance: 0 };
  const distance = Math.floor(rank);
  return { likeness: rank === distance ? 'alike' : 'alike when mirrored', distance };
}

/**
 * Finds images that occur twice: in one folder, in training and test of a domain, or in both domains. Exact copies have the
 * same bytes. Similar images have perceptual hashes (as they are, or mirrored) that differ in at most `distanceBits` of 64 bits,
 * and details that correlate by at least 0.9, which separates images that a hash alone confuses. Each image is reported once
 * for each kind, with its nearest match; of a crowd of similar images, with the nearest of the first 64.
 *
 * @param images in the order of folders and names.
 */
export async function findMatches(
  images: readonly Comparable[],
  distanceBits: number,
  signal?: AbortSignal,
): Promise<Finding[]> {
  const matches = new Matches(images);
  const contents = groupContents(images, matches);
  const compared = contents.filter(({ details }) => details.rootMeanSquare >= SMOOTH_LEVELS);
  const hashes = compared.map(({ hash }) => hash);
  // Of a content in several folders, no other image of one of them can take the place.
  const groups = compared.map(({ firsts: [first, ...others] }, i) =>
    others.length > 0 ? -1 - i : FOLDERS.indexOf(images[first!]!.folder),
  );
  const search = (queries: readonly Hash64[], likeness: Likeness, crowded?: Uint8Array) =>
    findNearPairs({
      groups,
      ...(crowded && { crowded }),
      hashes,
      queries,
      limit: distanceBits,
      onPair: (later, earlier, distance) =>
        compare(compared[earlier]!, compared[later]!, { likeness, distance }, matches),
      signal,
    });
  const crowded = await search(hashes, 'alike');
  await search(
    compared.map(({ mirroredHash }) => mirroredHash),
    'alike when mirrored',
    crowded,
  );
  return matches.findings();
}

function groupContents(images: readonly Comparable[], matches: Matches): Content[] {
  const contents = new Map<string, Content>();
  for (const [index, image] of images.entries()) {
    const content = contents.get(image.sha256);
    if (content === undefined) {
      contents.set(image.sha256, newContent(image, index));
      continue;
    }
    const { firsts } = content;
    for (const first of firsts)
      matches.offer(first, index, { likeness: 'same bytes', distance: 0 }, () => true);
    if (firsts.every((first) => images[first]!.folder !== image.folder)) firsts.push(index);
  }
  return [...contents.values()];
}

function newContent({ grey }: Comparable, index: number): Content {
  return {
    firsts: [index],
    hash: perceptualHash(grey),
    mirroredHash: perceptualHash(mirror(grey)),
    details: detailsOf(grey),
  };
}

function compare(a: Content, b: Content, nearness: Nearness, matches: Matches): void {
  const isAlike = () =>
    correlate(a.details, b.details, nearness.likeness === 'alike when mirrored') >= MIN_CORRELATION;
  for (const i of a.firsts) for (const j of b.firsts) matches.offer(i, j, nearness, isAlike);
}

function toFinding(
  kind: MatchKind,
  subject: Comparable,
  other: Comparable,
  { likeness, distance }: Nearness,
): Finding {
  const words = {
    'same bytes': 'the same bytes as',
    alike: 'like',
    'alike when mirrored': 'mirrored, like',
  }[likeness];
  return finding(kind, {
    folder: subject.folder,
    file: subject.file,
    detail: `${words} ${other.file}`,
    other: other.file,
    likeness,
    distanceBits: distance,
  });
}
