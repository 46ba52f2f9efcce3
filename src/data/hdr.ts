// Finds out whether an image has colours of high dynamic range, which decode as dull 8-bit images.
import { mediaBrands } from './image-kinds.js';

/** Transfer characteristics of HDR (ITU-T H.273). */
const HDR_TRANSFERS: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };
/** Boxes with properties stand at the start. */
const SEARCHED_BYTES = 65_536;

/** Returns the name of the HDR transfer of an AVIF or PNG file; undefined for others. */
export function hdrTransfer(bytes: Uint8Array, kind: 'avif' | 'png'): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, SEARCHED_BYTES));
  if (kind === 'avif') {
    // The first image of a file with a gain map is an ordinary one.
    if (mediaBrands(bytes).includes('tmap')) return undefined;
    for (let at = start.indexOf('colrnclx'); at >= 0; at = start.indexOf('colrnclx', at + 1)) {
      const transfer = at + 12 <= start.length ? HDR_TRANSFERS[start.readUInt16BE(at + 10)] : undefined;
      if (transfer !== undefined) return transfer;
    }
    return undefined;
  }
  const pixels = start.indexOf('IDAT');
  const at = start.subarray(0, pixels < 0 ? start.length : pixels).indexOf('cICP');
  return at >= 0 && at + 5 < start.length ? HDR_TRANSFERS[start[at + 5]!] : undefined;
}
