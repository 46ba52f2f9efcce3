import { animeSvg } from './anime.js';
import type { PortraitFactors } from './factors.js';
import { photoSvg } from './photo.js';

/**
 * The drawing of a portrait, a square SVG document of `size` px without text, fonts or links. Pure, and free of
 * Node, so that a browser may draw it as well. Sensor noise and lens blur of photographs come with the rasteriser.
 */
export function portraitSvg({ content, style }: PortraitFactors, size: number): string {
  return style.manner === 'photo' ? photoSvg(content, style, size) : animeSvg(content, style, size);
}
