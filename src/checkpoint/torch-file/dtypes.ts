// Converts numbers of a PyTorch file to float32.
import { bfloat16ToFloat32, float16ToFloat32 } from '../../base/half-floats.js';
import { type TorchDtype, UNREAD_BYTES } from './values.js';

/**
 * Converts little-endian numbers of any type to float32, rounding if needed; float32 itself is not copied.
 * @param bytes aligned to the type's size.
 */
export function toFloat32(
  { buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>,
  dtype: TorchDtype,
): Float32Array {
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'float64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, byteLength / 8));
    case 'float16': {
      const out = new Float32Array(byteLength / 2);
      float16ToFloat32(new Uint16Array(buffer, byteOffset, byteLength / 2), out);
      return out;
    }
    case 'bfloat16': {
      const out = new Float32Array(byteLength / 2);
      bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, byteLength / 2), out);
      return out;
    }
    case 'int64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, byteLength / 8), Number);
    case 'int32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, byteLength / 4));
    case 'int16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, byteLength / 2));
    case 'int8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, byteLength));
    case 'uint8':
    case 'bool':
      return Float32Array.from(new Uint8Array(buffer, byteOffset, byteLength));
    default:
      throw new TypeError(`numbers of type ${dtype}, one of ${Object.keys(UNREAD_BYTES).join(', ')}`);
  }
}
