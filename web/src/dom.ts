// Helpers for elements, canvases and downloads.
import { contextOf, imageDataOf } from '../../src/browser/image-output.js';

/** Returns the element with an id. @throws Error if the page lacks it. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as T;
}

/** Makes an element with properties and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Draws an image `[size, size, 3]` in [-1, 1] at its own size. */
export function paintImage(canvas: HTMLCanvasElement, image: Float32Array): void {
  const pixels = imageDataOf(image);
  canvas.width = pixels.width;
  canvas.height = pixels.height;
  contextOf(canvas).putImageData(pixels, 0, 0);
}

/** Downloads a file. */
export function download(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  make('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const JPEG_QUALITY = 0.95;

/** Saves the content of a canvas as PNG, or as JPEG by the extension of its name. */
export function saveCanvas(canvas: HTMLCanvasElement, name: string): void {
  const type = name.endsWith('.jpg') ? 'image/jpeg' : 'image/png';
  canvas.toBlob(
    (blob) => {
      if (blob !== null) download(name, blob);
    },
    type,
    JPEG_QUALITY,
  );
}

/** Announces an event to assistive technology, without interrupting. */
export function announce(text: string): void {
  byId('live').textContent = text;
}
