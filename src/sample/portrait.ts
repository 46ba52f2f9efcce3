// Portraits of both domains as SVG.
import { animeSvg } from './anime.js';
import type { PortraitFactors } from './factors.js';
import { photoLayersSvg } from './photo.js';

/**
 * Draws a portrait as an SVG document without text, fonts or links: an anime portrait as a square of `size` px, a
 * photograph as the unlit layers that `rasterise` lights. The function is pure and needs no Node, so a browser can call it too.
 */
export function portraitSvg({ content, style }: PortraitFactors, size: number): string {
  return style.manner === 'photo' ? photoLayersSvg(content, style, size) : animeSvg(content, style, size);
}
