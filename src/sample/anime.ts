// Anime portraits as SVG.
import { accessory, catEars, earring } from './anime/accessories.js';
import { background } from './anime/background.js';
import { clothes } from './anime/clothes.js';
import { brows, eyes, irisDefinition } from './anime/eyes.js';
import { face } from './anime/face.js';
import { mannerOf } from './anime/families.js';
import { frameOf } from './anime/frame.js';
import { hair } from './anime/hair.js';
import { contourPath, ears, neck } from './anime/head.js';
import { type Ink, inked, weighted } from './anime/ink.js';
import type { AnimeStyle } from './anime/style.js';
import type { Content } from './factors.js';
import { poseOf, svgDocument } from './pose.js';
import { svg } from './svg.js';

/**
 * Draws an anime portrait in the manner of its family.
 * @param ink other colours than those of the style, by which a test finds the parts of the face.
 * @returns an SVG document of `size` px.
 */
export function animeSvg(
  content: Content,
  style: AnimeStyle,
  size: number,
  ink: Ink = mannerOf(style.family).inkOf(style),
): string {
  const manner = mannerOf(style.family);
  const pose = poseOf(content);
  const frame = frameOf(content);
  const locks = hair(content, frame, style, manner, ink);
  const contour = contourPath(frame, manner.contour, style);
  const definitions =
    `<clipPath id="head"><path d="${contour}"/></clipPath>` +
    irisDefinition(ink) +
    manner.definitions(ink, style);
  const drawing =
    background(style) +
    `<g transform="${pose.head}">${locks.behind}${catEars(frame, style, ink)}</g>` +
    svg`<g transform="${pose.body}">${neck(pose, frame, style, manner, ink)}<g transform="translate(${pose.neckBase})">${clothes(style, manner, ink)}</g></g>` +
    `<g transform="${pose.head}">${ears(frame, ink, earring(style, ink))}${weighted(contour, ink.skin, ink, manner.weight * 0.6)}` +
    `<g clip-path="url(#head)">${manner.cheekShade(frame, ink)}${locks.shadow}</g>${inked(contour, 'none', ink)}` +
    `${face(content, frame, style, manner, ink)}${eyes(content, style, manner, ink)}${locks.front}` +
    `${brows(content, style, manner, ink)}${accessory(content, frame, style, locks.side, ink)}</g>`;
  return svgDocument(size, definitions, drawing);
}
