// Hair of photographic portraits.
import type { Content } from './factors.js';
import { hairBehind, longHair } from './photo-hair-long.js';
import { shortHair } from './photo-hair-short.js';
import { hairColours } from './photo-hair-strands.js';
import type { Head } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { mix, svg } from './svg.js';

/** Hair in head coordinates: the part behind the body, the part over the face, and the definitions of both. */
export interface HairLayers {
  behind: string;
  front: string;
  definitions: string;
}

/** Whether the content's hair is short; a man's is cut shorter than a woman's at one length. */
function isShort(content: Content, style: PhotoStyle): boolean {
  return content.hairLength < (style.build > 0 ? 0.3 : 0.18);
}

/** Hair of a photographic portrait. */
export function photoHair(content: Content, style: PhotoStyle, head: Head): HairLayers {
  if (style.hat === 'scarf') return { behind: '', front: '', definitions: '' };
  const { hair } = style;
  const { dark, lit } = hairColours(style);
  const definitions = svg`<linearGradient id="hairFront" gradientUnits="userSpaceOnUse" x1="0" y1="-38" x2="0" y2="40"><stop offset="0" stop-color="${mix(hair, lit, 0.35)}"/><stop offset=".25" stop-color="${hair}"/><stop offset="1" stop-color="${mix(hair, dark, 0.35)}"/></linearGradient>`;
  if (isShort(content, style)) return { behind: '', front: shortHair(content, style, head), definitions };
  return { behind: hairBehind(content, style, head), front: longHair(content, style, head), definitions };
}
