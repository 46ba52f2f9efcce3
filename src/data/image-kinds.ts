// Recognises the kind of a file by its first bytes, and says what to do about kinds that are not read.

/** Kinds that `openImage` reads. */
export type ReadableKind = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'bmp';

/** A kind of file that is not read. */
export interface UnreadableKind {
  /** With its article, as in "found NAME": "a HEIC image". */
  name: string;
  /** What to do about it, as an imperative. */
  remedy: string;
}

const CONVERT = 'convert it to JPEG or PNG first';
const SAVE_AS = 'save or export it as JPEG or PNG first';
const RAW: UnreadableKind = {
  name: 'a raw file of a camera',
  remedy: 'develop it to JPEG or TIFF first, for example with darktable or RawTherapee',
};
const VIDEO: UnreadableKind = {
  name: 'a video',
  remedy: 'translate it with gnr video, or extract its frames',
};
const REPLACE = 'replace or remove the file';

const converted = (name: string, remedy = CONVERT): UnreadableKind => ({ name, remedy });

const HEIC = converted(
  'a HEIC image',
  'convert it to JPEG first: heif-convert (libheif) on Linux, sips -s format jpeg on a Mac, or export it from the photo app',
);
const JPEG_XL = converted('a JPEG XL image', 'convert it to PNG or JPEG first, for example with djxl');
const JPEG_2000 = converted('a JPEG 2000 image', 'convert it to PNG first, for example with opj_decompress');
const ARCHIVE = (name: string): UnreadableKind => converted(name, 'unpack it first');

/** Kinds by their first bytes, as latin1 text at an offset. */
const SIGNATURES: ReadonlyArray<
  readonly [start: string, kind: ReadableKind | UnreadableKind, offset?: number]
> = [
  ['\xff\xd8\xff', 'jpeg'],
  ['\x89PNG\r\n\x1a\n', 'png'],
  ['GIF87a', 'gif'],
  ['GIF89a', 'gif'],
  ['WEBP', 'webp', 8],
  // Raw files that start as TIFF files do come first.
  ['CR\x02\x00', RAW, 8],
  ['IIRO', RAW],
  ['IIRS', RAW],
  ['MMOR', RAW],
  ['IIU\0', RAW],
  ['II*\0', 'tiff'],
  ['MM\0*', 'tiff'],
  ['II+\0', 'tiff'],
  ['MM\0+', 'tiff'],
  ['II\xbc', converted('a JPEG XR image')],
  ['FUJIFILMCCD-RAW', RAW],
  ['FOVb', RAW],
  ['\0MRM', RAW],
  ['\xff\x0a', JPEG_XL],
  ['\0\0\0\x0cJXL \r\n\x87\n', JPEG_XL],
  ['\0\0\0\x0cjP  \r\n\x87\n', JPEG_2000],
  ['\xff\x4f\xff\x51', JPEG_2000],
  ['8BPS', converted('a Photoshop file', SAVE_AS)],
  ['8BPB', converted('a Photoshop file', SAVE_AS)],
  ['gimp xcf', converted('a GIMP file', SAVE_AS)],
  ['\x76\x2f\x31\x01', converted('an OpenEXR image')],
  ['#?RADIANCE', converted('a Radiance HDR image')],
  ['#?RGBE', converted('a Radiance HDR image')],
  ['qoif', converted('a QOI image')],
  ['DDS ', converted('a DDS texture')],
  ['\0\0\x01\0', converted('an ICO icon')],
  ['\0\0\x02\0', converted('a CUR cursor')],
  ['icns', converted('an ICNS icon')],
  ['\x01\xda\0', converted('an SGI image')],
  ['\x01\xda\x01', converted('an SGI image')],
  ['\x59\xa6\x6a\x95', converted('a Sun raster image')],
  ['\x0a\x05\x01', converted('a PCX image')],
  ['\x0a\x03\x01', converted('a PCX image')],
  ['FLIF', converted('a FLIF image')],
  ['BPG\xfb', converted('a BPG image')],
  ['\x8aMNG', converted('an MNG animation')],
  ['\x8bJNG', converted('a JNG image')],
  ['SIMPLE  =', converted('a FITS image')],
  ['AT&TFORM', converted('a DjVu document')],
  ['%PDF', converted('a PDF document', 'convert its page to PNG first, for example with pdftoppm -png')],
  ['%!PS', converted('a PostScript file', 'convert it to PNG first, for example with Ghostscript')],
  [
    '\xc5\xd0\xd3\xc6',
    converted('a PostScript file', 'convert it to PNG first, for example with Ghostscript'),
  ],
  ['\xd7\xcd\xc6\x9a', converted('a WMF drawing')],
  [' EMF', converted('an EMF drawing'), 40],
  ['\x93NUMPY', converted('a NumPy array')],
  ['\x89HDF', converted('an HDF5 file')],
  ['PK\x03\x04', ARCHIVE('a zip archive')],
  ['Rar!', ARCHIVE('a RAR archive')],
  ['7z\xbc\xaf', ARCHIVE('a 7z archive')],
  ['\x1f\x8b', ARCHIVE('a gzip file')],
  ['\xfd7zXZ', ARCHIVE('an xz file')],
  ['\x28\xb5\x2f\xfd', ARCHIVE('a Zstandard file')],
  ['ustar', ARCHIVE('a tar archive'), 257],
  ['\x1a\x45\xdf\xa3', VIDEO],
  ['AVI ', VIDEO, 8],
  ['OggS', VIDEO],
  ['FLV\x01', VIDEO],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', VIDEO],
  ['\0\0\x01\xba', VIDEO],
  ['moov', VIDEO, 4],
  ['mdat', VIDEO, 4],
  ['\0\x05\x16\x07', converted('a resource fork of macOS (AppleDouble)', 'remove the file')],
  ['\xd0\xcf\x11\xe0', converted('a document of Microsoft Office, or a Thumbs.db', 'remove the file')],
  [
    'version https://git-lfs',
    converted('a pointer of Git LFS in place of an image', 'fetch the images with git lfs pull'),
  ],
];

/** Brands of ISO media files that hold HEVC images. */
const HEIC_BRANDS = new Set([
  'heic',
  'heix',
  'heim',
  'heis',
  'hevc',
  'hevx',
  'hevm',
  'hevs',
  'mif1',
  'mif2',
  'msf1',
]);
const AVIF_BRANDS = new Set(['avif', 'avis']);
const HEADER_BYTES = 512;
const MAX_BRANDS = 64;

/** Returns the kind of an ISO media file, by its brands. */
function isoMediaKind(bytes: Uint8Array): ReadableKind | UnreadableKind {
  const [major, ...compatible] = mediaBrands(bytes);
  const brands = [major, ...compatible];
  if (brands.some((brand) => AVIF_BRANDS.has(brand!))) return 'avif';
  if (brands.some((brand) => HEIC_BRANDS.has(brand!))) return HEIC;
  if (major === 'crx ') return RAW;
  if (brands.some((brand) => brand === 'jxl ')) return JPEG_XL;
  if (brands.some((brand) => ['jp2 ', 'jpx ', 'jpm ', 'mjp2'].includes(brand!))) return JPEG_2000;
  return VIDEO;
}

/** Returns the brands of an ISO media file, the major brand first. */
export function mediaBrands(bytes: Uint8Array): string[] {
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
  const end = Math.min(length, bytes.length, 16 + 4 * MAX_BRANDS);
  const text = latin1(bytes, 8, end);
  // The version of the major brand lies between it and the compatible brands.
  const brands = [text.slice(0, 4)];
  for (let at = 8; at + 4 <= text.length; at += 4) brands.push(text.slice(at, at + 4));
  return brands;
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', from, to);
}

/** Recognises formats of text. */
function textKind(bytes: Uint8Array): UnreadableKind | undefined {
  const text = latin1(bytes, 0, HEADER_BYTES)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  const lower = text.toLowerCase();
  if (lower.startsWith('<!doctype html') || lower.startsWith('<html'))
    return {
      name: 'a web page in place of an image',
      remedy: 'download the image again: the server sent a page, perhaps an error',
    };
  if (
    lower.startsWith('<svg') ||
    (lower.startsWith('<') && lower.includes('<svg')) ||
    lower.startsWith('<!doctype svg')
  )
    return converted('an SVG drawing', 'export it as PNG first');
  const netpbm = /^P([1-7])[\s#]/.exec(text)?.[1];
  if (netpbm !== undefined)
    return converted(`a ${['PBM', 'PGM', 'PPM', 'PBM', 'PGM', 'PPM', 'PAM'][Number(netpbm) - 1]} image`);
  if (/^P[Ff]\s/.test(text)) return converted('a PFM image');
  if (/^#define\s+\S+_width/.test(text)) return converted('an XBM image');
  if (text.startsWith('/* XPM */')) return converted('an XPM image');
  return undefined;
}

/** A BMP starts with two letters that texts start with too, so its header is looked at. */
function isBmp(bytes: Uint8Array): boolean {
  if (bytes.length < 26 || bytes[0] !== 0x42 || bytes[1] !== 0x4d) return false;
  return (
    [12, 16, 40, 52, 56, 64, 108, 124].includes(bytes[14]! | (bytes[15]! << 8)) &&
    bytes[16] === 0 &&
    bytes[17] === 0
  );
}

/** Transport streams repeat a byte every 188 bytes. */
function isTransportStream(bytes: Uint8Array): boolean {
  return bytes.length > 376 && [0, 188, 376].every((at) => bytes[at] === 0x47);
}

/** TGA has no first bytes of its own; newer files end with a signature. */
function isTga(bytes: Uint8Array): boolean {
  return latin1(bytes, Math.max(0, bytes.length - 18), bytes.length).startsWith('TRUEVISION-XFILE');
}

/** Recognises a file by its content, whatever its name. @param bytes the whole file. */
export function imageKindOf(bytes: Uint8Array): ReadableKind | UnreadableKind {
  if (isBmp(bytes)) return 'bmp';
  const start = latin1(bytes, 0, HEADER_BYTES);
  if (start.startsWith('ftyp', 4)) return isoMediaKind(bytes);
  for (const [text, kind, offset = 0] of SIGNATURES) if (start.startsWith(text, offset)) return kind;
  if (isTransportStream(bytes)) return VIDEO;
  if (isTga(bytes)) return converted('a TGA image');
  const text = textKind(bytes);
  if (text !== undefined) return text;
  if (bytes.every((byte) => byte === 0))
    return {
      name: `a file of ${bytes.length} zero bytes`,
      remedy: 'restore it from its source: its content was never written, or was lost',
    };
  return { name: 'a file that is not an image', remedy: REPLACE };
}
