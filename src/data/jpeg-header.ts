// Reads the markers of JPEG files: what a frame holds, and whether the file is complete.

/** What the header of a JPEG file says. */
export interface JpegHeader {
  /** Bits of a sample: 8 for all that is read. */
  bits: number;
  /** Whether details are spread over several scans. */
  isProgressive: boolean;
  /** Whether it is a JPEG-LS file, which starts as JPEG files do. */
  isLossless: boolean;
  /** Whether each scan of a progressive image is there; false for others. */
  hasAllScans: boolean;
  /** Whether the end marker follows the last scan. */
  hasEnd: boolean;
}

const COEFFICIENTS = 64;
const SCAN = 0xda;
const END = 0xd9;
/** SOF55. */
const JPEG_LS = 0xf7;

/** SOF0 to SOF15, without DHT, JPG and DAC; and that of JPEG-LS. */
function isFrame(marker: number): boolean {
  return marker === JPEG_LS || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));
}

/** Markers without a length: RST0 to RST7, SOI, EOI, TEM. */
function isBare(marker: number): boolean {
  return (marker >= 0xd0 && marker <= END) || marker === 0x01;
}

/** Finds the next marker from `at` on, in or after the data of a scan. @returns its second byte's position; -1 if there is none. */
function nextMarker(bytes: Uint8Array, at: number): number {
  for (let i = bytes.indexOf(0xff, at); i >= 0; i = bytes.indexOf(0xff, i + 1)) {
    const code = bytes[i + 1];
    if (code === undefined) return -1;
    // Stuffed bytes, fill bytes and restarts belong to the data.
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return i + 1;
  }
  return -1;
}

/** The precision that each coefficient of a progressive image has reached, as the number of bits that are missing. */
class Coefficients {
  private readonly missing = new Map<number, Int8Array>();

  addScan(components: readonly number[], first: number, last: number, low: number): void {
    for (const component of components) {
      const own = this.missing.get(component) ?? new Int8Array(COEFFICIENTS).fill(127);
      own.fill(low, first, Math.min(last + 1, COEFFICIENTS));
      this.missing.set(component, own);
    }
  }

  areComplete(components: number): boolean {
    return (
      this.missing.size >= components &&
      [...this.missing.values()].every((own) => own.every((bits) => bits === 0))
    );
  }
}

/**
 * Walks over the markers of a JPEG file (ITU-T T.81, annex B) up to the end of its first image.
 *
 * @returns undefined if there is no frame.
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | undefined {
  const coefficients = new Coefficients();
  let frame: { marker: number; bits: number; components: number } | undefined;
  let hasEnd = false;
  for (let at = nextMarker(bytes, 2); at >= 0; ) {
    const marker = bytes[at]!;
    if (marker === END) {
      hasEnd = true;
      break;
    }
    if (isBare(marker)) {
      at = nextMarker(bytes, at + 1);
      continue;
    }
    const length = (bytes[at + 1]! << 8) | bytes[at + 2]!;
    if (at + 1 + length > bytes.length) break;
    if (isFrame(marker)) frame ??= { marker, bits: bytes[at + 3]!, components: bytes[at + 8]! };
    if (marker === SCAN) {
      const count = bytes[at + 3]!;
      const spectral = at + 4 + 2 * count;
      const components = Array.from({ length: count }, (_, i) => bytes[at + 4 + 2 * i]!);
      coefficients.addScan(components, bytes[spectral]!, bytes[spectral + 1]!, bytes[spectral + 2]! & 15);
    }
    at = nextMarker(bytes, at + 1 + length);
  }
  if (frame === undefined) return undefined;
  const isProgressive = frame.marker === 0xc2 || frame.marker === 0xca;
  const hasAllScans = isProgressive && coefficients.areComplete(frame.components);
  return { bits: frame.bits, isProgressive, isLossless: frame.marker === JPEG_LS, hasAllScans, hasEnd };
}
