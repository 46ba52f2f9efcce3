import sharp from 'sharp';
import { InputError, messageOf } from '../base/errors.js';

const QUALITY = 85;

/** A picture that is part of a page, in a format that browsers read. */
export interface ReportImage {
  bytes: Uint8Array;
  /** Such as `image/webp`. */
  type: string;
  width: number;
  height: number;
}

/** 8-bit sRGB, row-major [height, width, 3]. */
export interface RawPicture {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * A picture for a page: WebP, which is a tenth of a PNG of such pictures, and no larger than the page has use for.
 *
 * @param source a file's path, or its bytes, in a format that sharp reads; or pixels.
 * @param width and `height`: the largest, px.
 * @throws InputError naming a file that is no picture.
 */
export async function reportImage(
  source: string | Uint8Array | RawPicture,
  { width, height }: { width: number; height: number },
): Promise<ReportImage> {
  const input =
    typeof source === 'string' || source instanceof Uint8Array
      ? sharp(source)
      : sharp(source.data, { raw: { width: source.width, height: source.height, channels: 3 } });
  const encoded = input
    .resize(width, height, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: QUALITY })
    .toBuffer({ resolveWithObject: true });
  const { data, info } = await encoded.catch((error: unknown) => {
    const expected = `a picture ${typeof source === 'string' ? `at ${source}` : 'for the page'}`;
    throw new InputError({ expected, found: messageOf(error), remedy: 'remove it' }, { cause: error });
  });
  return { bytes: data, type: 'image/webp', width: info.width, height: info.height };
}
