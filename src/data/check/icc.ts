// Reads the name of an ICC colour profile.
const HEADER_BYTES = 128;
const TAG_BYTES = 12;

function textAt(profile: Buffer, offset: number, bytes: number): string {
  return profile.toString('latin1', offset, offset + bytes);
}

/** Reads the text of a `desc` tag: ASCII in version 2 of the format, UTF-16 in the first of several languages in version 4. */
function describe(profile: Buffer, offset: number): string | undefined {
  const type = textAt(profile, offset, 4);
  if (type === 'desc') return textAt(profile, offset + 12, profile.readUInt32BE(offset + 8));
  if (type !== 'mluc') return undefined;
  const bytes = profile.readUInt32BE(offset + 20);
  const start = offset + profile.readUInt32BE(offset + 24);
  const utf16 = Buffer.from(profile.subarray(start, start + bytes - (bytes % 2)));
  return utf16.swap16().toString('utf16le');
}

/** Returns the name of an ICC colour profile, such as "Display P3"; undefined if it has none or is damaged. */
export function profileName(bytes: Uint8Array): string | undefined {
  const profile = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    // A damaged count may be any number.
    const room = Math.floor((profile.length - HEADER_BYTES - 4) / TAG_BYTES);
    const tags = Math.min(profile.readUInt32BE(HEADER_BYTES), room);
    for (let i = 0; i < tags; i++) {
      const entry = HEADER_BYTES + 4 + i * TAG_BYTES;
      if (textAt(profile, entry, 4) !== 'desc') continue;
      const text = describe(profile, profile.readUInt32BE(entry + 4));
      return text?.split('\0')[0]?.trim() || undefined;
    }
  } catch (error) {
    // A read past the end means a damaged profile.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}
