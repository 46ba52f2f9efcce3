// Photographic portraits as layers of SVG.
import type { Content } from './factors.js';
import { photoBackground } from './photo-background.js';
import { bodyDefinitions, photoBody } from './photo-clothes.js';
import { LAYERS } from './photo-compose.js';
import { photoExtra, photoGlasses } from './photo-extras.js';
import { photoCatchlight } from './photo-eyes.js';
import { faceDefinitions, photoFace } from './photo-face.js';
import { photoHair } from './photo-hair.js';
import { photoHat } from './photo-hats.js';
import { headOf } from './photo-head.js';
import type { PhotoStyle } from './photo-style.js';
import { CANVAS, poseOf } from './pose.js';

/**
 * Draws the layers of a photographic portrait below each other, each a square of `size` px, in the order of `LAYERS`. They
 * have the colours of things without light; `compose` lights them.
 * @returns an SVG document of `size` by `LAYERS.length * size` px.
 */
export function photoLayersSvg(content: Content, style: PhotoStyle, size: number): string {
  const pose = poseOf(content);
  const head = headOf(content, style);
  const hair = photoHair(content, style, head);
  const hat = photoHat(style, head);
  const inHead = (drawing: string): string => `<g transform="${pose.head}">${drawing}</g>`;
  const drawings: Record<(typeof LAYERS)[number], string> = {
    background: photoBackground(style),
    body: `${inHead(hat.behind + hair.behind)}<g transform="${pose.body}">${photoBody(style, pose, head.yaw)}</g>`,
    face: inHead(photoFace(content, style, head)),
    front: inHead(
      photoCatchlight(-1, content, style) +
        photoCatchlight(1, content, style) +
        photoGlasses(content, style, head) +
        (style.extra === 'earrings' ? photoExtra(content, style, head) : '') +
        hair.front +
        hat.front +
        (style.extra === 'earrings' ? '' : photoExtra(content, style, head)),
    ),
  };
  const layers = LAYERS.map(
    (layer, i) =>
      `<svg y="${i * CANVAS}" width="${CANVAS}" height="${CANVAS}" viewBox="0 0 ${CANVAS} ${CANVAS}">${drawings[layer]}</svg>`,
  );
  const definitions = bodyDefinitions(style) + faceDefinitions(style, head) + hair.definitions;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${LAYERS.length * size}" viewBox="0 0 ${CANVAS} ${LAYERS.length * CANVAS}">` +
    `<defs>${definitions}</defs>${layers.join('')}</svg>`
  );
}
