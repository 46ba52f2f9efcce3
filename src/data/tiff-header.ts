// Reads from the header of a TIFF file what its samples mean.

/** The numbers that samples are. */
export type SampleFormat = 'unsigned' | 'signed' | 'float' | 'complex';

/** What the first page of a TIFF file holds. */
export interface TiffHeader {
  /** Bits of the first sample of a pixel. */
  bits: number;
  /** Whether all samples have the same bits and format. */
  isUniform: boolean;
  format: SampleFormat;
  /** Samples of a pixel, with alpha and other extra ones. */
  samples: number;
  photometric: number;
  /** The kind of compression, by its number. */
  compression: number;
  /** EXIF orientation, 1 to 8. */
  orientation: number;
  /** Whether it is a raw file of a camera: DNG and the like. */
  isDng: boolean;
  /** Whether the first page is a small copy of another, as in most raw files of cameras. */
  isPreview: boolean;
}

/** Numbers of tags, and of values of PhotometricInterpretation (TIFF 6.0, TIFF/EP, DNG). */
const TAGS = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  orientation: 274,
  samplesPerPixel: 277,
  sampleFormat: 339,
  dngVersion: 50706,
  subfileType: 254,
} as const;

export const PHOTOMETRIC = {
  minIsWhite: 0,
  minIsBlack: 1,
  rgb: 2,
  palette: 3,
  mask: 4,
  cmyk: 5,
  ycbcr: 6,
  lab: 8,
  iccLab: 9,
  ituLab: 10,
  cfa: 32803,
  logL: 32844,
  logLuv: 32845,
  linearRaw: 34892,
} as const;

const FORMATS: Readonly<Record<number, SampleFormat>> = {
  1: 'unsigned',
  2: 'signed',
  3: 'float',
  4: 'unsigned',
  5: 'complex',
  6: 'complex',
};

/** Bytes of a value by its type: of bytes, shorts, longs and long8s, which are all that is read here. */
const TYPE_BYTES: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 16: 8 };
const MAX_ENTRIES = 4096;
const MAX_VALUES = 64;

/** Reads the values of the tags of the first directory, by the number of the tag. @throws RangeError for offsets outside of the file. */
function readDirectory(bytes: Uint8Array): Map<number, number[]> {
  const file = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = file.getUint16(0) === 0x4949;
  const isBig = file.getUint16(2, little) === 43;
  const offset = (at: number): number =>
    isBig ? Number(file.getBigUint64(at, little)) : file.getUint32(at, little);
  const [countBytes, entryBytes, inlineBytes] = isBig ? [8, 20, 8] : [2, 12, 4];
  const directory = offset(isBig ? 8 : 4);
  const count = isBig ? offset(directory) : file.getUint16(directory, little);
  const known = new Set<number>(Object.values(TAGS));
  const found = new Map<number, number[]>();
  for (let i = 0; i < Math.min(count, MAX_ENTRIES); i++) {
    const entry = directory + countBytes + i * entryBytes;
    const tag = file.getUint16(entry, little);
    if (!known.has(tag)) continue;
    const bytesEach = TYPE_BYTES[file.getUint16(entry + 2, little)];
    if (bytesEach === undefined) continue;
    const values = Math.min(offset(entry + 4), MAX_VALUES);
    const inline = entry + 4 + inlineBytes;
    const at = values * bytesEach <= inlineBytes ? inline : offset(inline);
    const read = (k: number): number => {
      if (bytesEach === 1) return file.getUint8(at + k);
      if (bytesEach === 2) return file.getUint16(at + 2 * k, little);
      return bytesEach === 4
        ? file.getUint32(at + 4 * k, little)
        : Number(file.getBigUint64(at + 8 * k, little));
    };
    found.set(
      tag,
      Array.from({ length: values }, (_, k) => read(k)),
    );
  }
  return found;
}

/** Reads the header of the first page. @returns undefined if it is damaged. */
export function readTiffHeader(bytes: Uint8Array): TiffHeader | undefined {
  try {
    const tags = readDirectory(bytes);
    const first = (tag: number, missing: number): number => tags.get(tag)?.[0] ?? missing;
    const bits = tags.get(TAGS.bitsPerSample) ?? [1];
    const formats = tags.get(TAGS.sampleFormat) ?? [1];
    const isSame = (values: readonly number[]): boolean => values.every((value) => value === values[0]);
    const orientation = first(TAGS.orientation, 1);
    return {
      bits: bits[0] ?? 1,
      isUniform: isSame(bits) && isSame(formats),
      format: FORMATS[formats[0] ?? 1] ?? 'unsigned',
      samples: first(TAGS.samplesPerPixel, 1),
      photometric: first(TAGS.photometric, PHOTOMETRIC.minIsBlack),
      compression: first(TAGS.compression, 1),
      orientation: orientation >= 1 && orientation <= 8 ? orientation : 1,
      isDng: tags.has(TAGS.dngVersion),
      isPreview: first(TAGS.subfileType, 0) % 2 === 1,
    };
  } catch (error) {
    // An offset outside of the file.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * Says what a TIFF file holds if that is not read: other samples than whole numbers of 1, 2, 4, 8, 16 and 32 bits and floats of 16
 * and 32 bits, Lab colours, and raw files of cameras.
 *
 * @returns with its article: "a TIFF file of 64-bit floats"; undefined for a file that is read.
 */
export function unreadTiff(header: TiffHeader): string | undefined {
  const { bits, format, isUniform, photometric, isDng, samples, isPreview } = header;
  const numbers = {
    unsigned: 'unsigned integers',
    signed: 'signed integers',
    float: 'floats',
    complex: 'complex numbers',
  };
  if (isDng) return 'a raw file of a camera (DNG)';
  if (photometric === PHOTOMETRIC.cfa || photometric === PHOTOMETRIC.linearRaw)
    return 'a raw file of a camera';
  if (isPreview) return 'a TIFF file that starts with a preview, as raw files of cameras do';
  if (
    photometric === PHOTOMETRIC.lab ||
    photometric === PHOTOMETRIC.iccLab ||
    photometric === PHOTOMETRIC.ituLab
  )
    return `a TIFF file of ${bits}-bit Lab colours`;
  if (photometric === PHOTOMETRIC.logL || photometric === PHOTOMETRIC.logLuv)
    return 'a TIFF file of LogLuv colours';
  if (!isUniform) return 'a TIFF file whose channels differ in bits or format';
  const readBits = { unsigned: [1, 2, 4, 8, 16, 32], float: [16, 32], signed: [], complex: [] }[
    format
  ] as number[];
  if (!readBits.includes(bits)) return `a TIFF file of ${bits}-bit ${numbers[format]}`;
  if (needsScaling({ bits, format }) && !isPlain(photometric, samples, bits))
    return `a TIFF file of ${bits}-bit ${numbers[format]} that are neither grey nor RGB`;
  return undefined;
}

/** Compressions that not every build of the TIFF library has, by their numbers. */
const COMPRESSIONS: Readonly<Record<number, string>> = {
  6: 'the old kind of JPEG',
  34661: 'JBIG',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};

/** Returns the name of a compression that the decoder may not know. */
export function tiffCompressionName({ compression }: TiffHeader): string | undefined {
  return COMPRESSIONS[compression];
}

/** Returns whether the decoder of TIFF files leaves the range of the samples to us. */
export function needsScaling({ bits, format }: Pick<TiffHeader, 'bits' | 'format'>): boolean {
  return format === 'float' || bits === 32;
}

function isPlain(photometric: number, samples: number, bits: number): boolean {
  const isGrey = photometric === PHOTOMETRIC.minIsWhite || photometric === PHOTOMETRIC.minIsBlack;
  // The decoder loses the alpha of grey half floats.
  const maxGrey = bits === 16 ? 1 : 2;
  return isGrey ? samples <= maxGrey : photometric === PHOTOMETRIC.rgb && (samples === 3 || samples === 4);
}
