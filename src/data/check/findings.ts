import type { DatasetFolder } from '../folder.js';

/** What a check can find, the worst first: the order of every list. */
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
] as const;

export type FindingKind = (typeof FINDING_KINDS)[number];

/** Whether somebody has to look at it (`problem`), or training deals with it in a way worth knowing (`note`). */
export type FindingLevel = 'problem' | 'note';

interface KindText {
  level: FindingLevel;
  title: string;
  /** What it means for a training, and what to do. */
  meaning: string;
}

export const FINDING_TEXTS: Readonly<Record<FindingKind, KindText>> = {
  unreadable: {
    level: 'problem',
    title: 'Unreadable files',
    meaning: 'Training passes over them, and stops where they are more than 1 %. Replace or remove them.',
  },
  leaked: {
    level: 'problem',
    title: 'Test images that are in the training folder',
    meaning: 'Figures on the test folder would be too good. Remove them from one of the two.',
  },
  'across-domains': {
    level: 'problem',
    title: 'Images of B that are in A too',
    meaning: 'The two domains would not differ by what is to be learned. Remove them from one of the two.',
  },
  duplicate: {
    level: 'problem',
    title: 'Exact duplicates in a folder',
    meaning: 'They count double in training and in figures. Keep one of each.',
  },
  'near-duplicate': {
    level: 'problem',
    title: 'Near duplicates in a folder',
    meaning: 'The same image in another size, encoding, brightness or mirrored. Keep one of each.',
  },
  tiny: {
    level: 'problem',
    title: 'Images smaller than the training size',
    meaning: 'They are enlarged and teach blur. Replace them, or train at a smaller size.',
  },
  transparent: {
    level: 'note',
    title: 'Transparent images',
    meaning: 'What is transparent is laid over white.',
  },
  'non-square': {
    level: 'note',
    title: 'Long or wide images',
    meaning: 'They are cropped to the square in the centre; see whether the faces stay in it.',
  },
  grayscale: {
    level: 'note',
    title: 'Images without colour',
    meaning: 'They are trained on as they are, and teach that such images belong to the domain.',
  },
  'colour-profile': {
    level: 'note',
    title: 'Colours that are not sRGB',
    meaning: 'They are converted to sRGB.',
  },
};

/** How two images are alike. */
export type Likeness = 'same bytes' | 'alike' | 'alike when mirrored';

export interface Finding {
  kind: FindingKind;
  level: FindingLevel;
  folder: DatasetFolder;
  /** Relative to the dataset, with `/` between the parts. */
  file: string;
  /** What was found, in words. */
  detail: string;
  /** The image that it is like, for duplicates and leaks; relative to the dataset. */
  other?: string;
  likeness?: Likeness;
  /** Bits of 64 in which the perceptual hashes differ; for images that are alike. */
  distanceBits?: number;
}

/** A finding with its kind's level. */
export function finding(kind: FindingKind, rest: Omit<Finding, 'kind' | 'level'>): Finding {
  return { kind, level: FINDING_TEXTS[kind].level, ...rest };
}

/** Worst kinds first, within a kind in the order given. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return FINDING_KINDS.flatMap((kind) => findings.filter((entry) => entry.kind === kind));
}
