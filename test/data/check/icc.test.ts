import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { profileName } from '../../../src/data/check/icc.js';

/** A profile with nothing but a name. */
function profile(desc: Buffer): Buffer {
  const head = Buffer.alloc(128 + 4 + 12);
  head.writeUInt32BE(1, 128);
  head.write('desc', 132, 'latin1');
  head.writeUInt32BE(head.length, 136);
  head.writeUInt32BE(desc.length, 140);
  return Buffer.concat([head, desc]);
}

function ascii(name: string): Buffer {
  const out = Buffer.alloc(12 + name.length + 1);
  out.write('desc', 0, 'latin1');
  out.writeUInt32BE(name.length + 1, 8);
  out.write(name, 12, 'latin1');
  return out;
}

function unicode(name: string): Buffer {
  const head = Buffer.alloc(28);
  head.write('mluc', 0, 'latin1');
  head.writeUInt32BE(1, 8);
  head.writeUInt32BE(12, 12);
  head.write('enUS', 16, 'latin1');
  head.writeUInt32BE(name.length * 2, 20);
  head.writeUInt32BE(28, 24);
  return Buffer.concat([head, Buffer.from(name, 'utf16le').swap16()]);
}

describe('profileName', () => {
  it('reads names of both versions of the format', () => {
    expect(profileName(profile(ascii('Adobe RGB (1998)')))).toBe('Adobe RGB (1998)');
    expect(profileName(profile(unicode('Display P3')))).toBe('Display P3');
  });

  it('reads the name of a real profile', async () => {
    const image = sharp({ create: { width: 8, height: 8, channels: 3, background: '#f00' } });
    const { icc } = await sharp(await image.withIccProfile('srgb').jpeg().toBuffer()).metadata();
    expect(profileName(icc!)).toMatch(/srgb/i);
  });

  it('returns undefined for a damaged profile', () => {
    const whole = profile(ascii('Adobe RGB (1998)'));
    for (const bytes of [0, 100, 130, 140, 146])
      expect(profileName(whole.subarray(0, bytes))).toBeUndefined();
    expect(profileName(Buffer.alloc(400))).toBeUndefined();
  });

  it('looks at no more tags than a profile has room for', () => {
    const endless = Buffer.alloc(144);
    endless.writeUInt32BE(0xffffffff, 128);
    expect(profileName(endless)).toBeUndefined();
  });
});
