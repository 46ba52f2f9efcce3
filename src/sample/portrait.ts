// Portraits of both domains as SVG.
import { animeSvg } from './anime.js';
import type { PortraitFactors } from './factors.js';
import { photoSvg } from './photo.js';

/**
 * Draws a portrait as a square SVG document of `size` px without text, fonts or links. The function is pure and needs no
 * Node, so a browser can call it too. `rasterise` adds the sensor noise and lens blur of photographs.
 */
export function portraitSvg({ content, style }: PortraitFactors, size: number): string {
  return style.manner === 'photo' ? photoSvg(content, style, size) : animeSvg(content, style, size);
}
