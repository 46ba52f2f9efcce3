import type { DatasetFolder } from '../folder.js';
import { correlate, type Details, detailsOf } from './details.js';
import { type Finding, finding, type Likeness } from './findings.js';
import { findNearPairs } from './near-pairs.js';
import { type Hash64, mirror, perceptualHash } from './perceptual-hash.js';

/**
 * Correlation of the details from which on two images with near hashes are alike. Copies in another size, encoding (down
 * to JPEG quality 10), brightness, contrast or saturation have .95 and more; portraits of the sample dataset in like poses,
 * .87 and less.
 */
const MIN_CORRELATION = 0.9;
/** Root mean square of the details, grey levels, below which an image is too smooth for its hash to say anything. */
const SMOOTH_LEVELS = 0.5;

/** A readable image, as far as comparing needs it. */
export interface Comparable {
  folder: DatasetFolder;
  /** Relative to the dataset. */
  file: string;
  sha256: string;
  /** [32, 32], 8-bit. */
  grey: Uint8Array;
}

/** Images of the same bytes, compared once. */
interface Content {
  /** The first image of this content in each folder, by position in the list. */
  firsts: number[];
  hash: Hash64;
  mirroredHash: Hash64;
  details: Details;
}

/** How two images are alike, and in how many bits they differ. */
interface Nearness {
  likeness: Likeness;
  distance: number;
}

const MATCH_KINDS = ['leaked', 'across-domains', 'duplicate', 'near-duplicate'] as const;
type MatchKind = (typeof MATCH_KINDS)[number];

/** The nearest match of each image, of each kind. Arrays, because of many frames of one scene every pair comes here. */
class Matches {
  /** How far the match is; by kind and image. */
  private readonly ranks: Float32Array;
  private readonly others: Int32Array;

  constructor(readonly images: readonly Comparable[]) {
    this.ranks = new Float32Array(MATCH_KINDS.length * images.length).fill(Number.POSITIVE_INFINITY);
    this.others = new Int32Array(this.ranks.length);
  }

  /** Takes a pair, unless its image has a nearer one of the kind. @param isAlike is asked only of a pair that would be taken. */
  offer(a: number, b: number, nearness: Nearness, isAlike: () => boolean): void {
    const kind = this.kindOf(a, b, nearness.likeness);
    const subject = this.subjectOf(a, b, kind);
    const at = MATCH_KINDS.indexOf(kind) * this.images.length + subject;
    const rank = rankOf(nearness);
    if (rank >= this.ranks[at]! || !isAlike()) return;
    this.ranks[at] = rank;
    this.others[at] = subject === a ? b : a;
  }

  /** By kind, then in the order of the images. */
  findings(): Finding[] {
    const count = this.images.length;
    return [...this.ranks.keys()]
      .filter((at) => this.ranks[at]! < Number.POSITIVE_INFINITY)
      .map((at) => {
        const [subject, other] = [this.images[at % count]!, this.images[this.others[at]!]!];
        return toFinding(MATCH_KINDS[Math.floor(at / count)]!, subject, other, nearnessOf(this.ranks[at]!));
      });
  }

  private kindOf(a: number, b: number, likeness: Likeness): MatchKind {
    const [one, other] = [this.images[a]!.folder, this.images[b]!.folder];
    if (one === other) return likeness === 'same bytes' ? 'duplicate' : 'near-duplicate';
    return domainOf(one) === domainOf(other) ? 'leaked' : 'across-domains';
  }

  /** The image to look at: the one in the test folder, in B, or the later one. */
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

/** Exact copies first, then by bits, of equals the mirrored ones last. */
function rankOf({ likeness, distance }: Nearness): number {
  return likeness === 'same bytes' ? -1 : distance + (likeness === 'alike' ? 0 : 0.5);
}

function nearnessOf(rank: number): Nearness {
  if (rank < 0) return { likeness: 'same bytes', distance: 0 };
  const distance = Math.floor(rank);
  return { likeness: rank === distance ? 'alike' : 'alike when mirrored', distance };
}

/**
 * Finds images that occur twice: in a folder, in training and test of a domain, in both domains. Exact copies are those
 * of the same bytes; alike are those whose perceptual hashes (as they are, or mirrored) differ in at most `distanceBits`
 * of 64 bits and whose details correlate by .9, which tells apart what a hash alone takes for the same. Each image is told
 * once of a kind, with the one that is most like it.
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
  const search = (queries: readonly Hash64[], likeness: Likeness) =>
    findNearPairs({
      hashes,
      queries,
      limit: distanceBits,
      onPair: (later, earlier, distance) =>
        compare(compared[earlier]!, compared[later]!, { likeness, distance }, matches),
      signal,
    });
  await search(hashes, 'alike');
  await search(
    compared.map(({ mirroredHash }) => mirroredHash),
    'alike when mirrored',
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
  for (const one of a.firsts) for (const other of b.firsts) matches.offer(one, other, nearness, isAlike);
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
