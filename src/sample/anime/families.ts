// The registry of anime style families: a family is one line here and one file beside it.
import type { Manner } from './manner.js';
import { pastel } from './pastel.js';
import { print } from './print.js';
import { vivid } from './vivid.js';

/** How each family draws. */
export const MANNERS = { vivid, pastel, print };
export type Family = keyof typeof MANNERS;

/** The anime style families that the sample dataset draws. */
export const FAMILIES = Object.keys(MANNERS) as [Family, ...Family[]];

export function mannerOf(family: Family): Manner {
  return MANNERS[family];
}
