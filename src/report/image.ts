// Encodes images for a page.
import sharp from 'sharp';
import { InputError, messageOf } from '../base/errors.js';

const QUALITY = 85;

/** An image that is part of a page, in a format that browsers read. */
export interface ReportImage {
  bytes: Uint8Array;
  /** The media type, such as `image/webp`. */
  type: string;
  width: number;
  height: number;
}

/** 8-bit sRGB, row-major [height, width, 3]. */
export interface RawImage {
  data: Uint8Array;
  width: number;
  height: number;
}

/**
 * Encodes an image for a page as WebP, which takes a tenth of the bytes of a PNG, no larger than the page needs.
 *
 * @param source a file's path or bytes, in a format that sharp reads; or pixels.
 * @param width and `height`: the largest size, px.
 * @throws InputError that names a file which is not an image.
 */
export async function reportImage(
  source: string | Uint8Array | RawImage,
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
    const expected = `an image ${typeof source === 'string' ? `at ${source}` : 'for the page'}`;
    throw new InputError({ expected, found: messageOf(error), remedy: 'remove it' }, { cause: error });
  });
  return { bytes: data, type: 'image/webp', width: info.width, height: info.height };
}
