// The kinds of findings of a dataset check, with their texts and order.
import type { DatasetFolder } from '../folder.js';

/** Kinds of findings, the worst first; every list has this order. */
export const FINDING_KINDS = [
  'unreadable',
  'leaked',
  'across-domains',
  'duplicate',
  'near-duplicate',
  'tiny',
  'transparent',
  'non-square',
  'grayscale',
  'colour-profile',
  'flawed',
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** A `problem` needs somebody's attention; a `note` says how training handles something. */
export type FindingLevel = 'problem' | 'note';

interface KindText {
  level: FindingLevel;
  title: string;
  /** What the finding means for training, and what to do about it. */
  meaning: string;
}

export const FINDING_TEXTS: Readonly<Record<FindingKind, KindText>> = {
  unreadable: {
    level: 'problem',
    title: 'Unreadable files',
    meaning: 'Training skips them, and stops if they are more than 1 %. Replace or remove them.',
  },
  leaked: {
    level: 'problem',
    title: 'Test images that are in the training folder',
    meaning: 'Metrics on the test folder would be too good. Remove them from one of the two.',
  },
  'across-domains': {
    level: 'problem',
    title: 'Images of B that are in A too',
    meaning:
      'The domains overlap, so they differ less in what the model has to learn. Remove them from one of the two.',
  },
  duplicate: {
    level: 'problem',
    title: 'Exact duplicates in a folder',
    meaning: 'They count double in training and in metrics. Keep one of each.',
  },
  'near-duplicate': {
    level: 'problem',
    title: 'Near duplicates in a folder',
    meaning:
      'They show the same image in another size, encoding or brightness, or mirrored. Keep one of each.',
  },
  tiny: {
    level: 'problem',
    title: 'Images smaller than the training size',
    meaning: 'They are enlarged and teach blur. Replace them, or train at a smaller size.',
  },
  transparent: {
    level: 'note',
    title: 'Transparent images',
    meaning: 'They are composited onto white.',
  },
  'non-square': {
    level: 'note',
    title: 'Long or wide images',
    meaning: 'They are cropped to the square in the centre; check that the faces stay inside.',
  },
  grayscale: {
    level: 'note',
    title: 'Images without colour',
    meaning: 'Training uses them as they are, so the model learns that grey images belong to the domain.',
  },
  'colour-profile': {
    level: 'note',
    title: 'Colours that are not sRGB',
    meaning: 'They are converted to sRGB.',
  },
  flawed: {
    level: 'note',
    title: 'Incomplete files that show their whole image',
    meaning: 'They are used as they are. Another program may refuse them until they are saved again.',
  },
};

/** The kind of similarity of two images. */
export type Likeness = 'same bytes' | 'alike' | 'alike when mirrored';

export interface Finding {
  kind: FindingKind;
  level: FindingLevel;
  folder: DatasetFolder;
  /** Path relative to the dataset, with `/` as separator. */
  file: string;
  /** The finding in words. */
  detail: string;
  /** Path of the similar image, for duplicates and leaks, relative to the dataset. */
  other?: string;
  likeness?: Likeness;
  /** Number of bits, of 64, in which the perceptual hashes differ; for similar images. */
  distanceBits?: number;
}

/** Makes a finding with the level of its kind. */
export function finding(kind: FindingKind, rest: Omit<Finding, 'kind' | 'level'>): Finding {
  return { kind, level: FINDING_TEXTS[kind].level, ...rest };
}

/** Sorts findings by kind, the worst first, and keeps their order within a kind. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return FINDING_KINDS.flatMap((kind) => findings.filter((entry) => entry.kind === kind));
}
