// Finds out whether a JPEG file without its end marker has all of its blocks, by reading its Huffman codes.

/** A Huffman table: by the length of a code, the first code, the one after the last, and where its values start (T.81, annex F). */
interface HuffmanTable {
  first: Int32Array;
  end: Int32Array;
  start: Int32Array;
  values: Uint8Array;
}

interface Component {
  id: number;
  /** Sampling factors. */
  across: number;
  down: number;
}

interface Frame {
  width: number;
  height: number;
  components: Component[];
}

const CODE_LENGTHS = 16;
const BLOCK_SIDE = 8;
const BLOCK_VALUES = 64;
/** Most components of a scan, and the largest sampling factor. */
const MAX_COMPONENTS = 4;
const MAX_FACTOR = 4;

const [DHT, SOS, DRI, EOI] = [0xc4, 0xda, 0xdd, 0xd9];
const SEQUENTIAL = [0xc0, 0xc1];

/** The data of a scan ended before its blocks did. */
class EndOfData extends Error {}

/** Reads bits of the data of a scan. */
class BitReader {
  private buffer = 0;
  private left = 0;
  private readonly bytes: Uint8Array;
  /** Position of the next byte. */
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** @throws EndOfData at a marker, and at the end of the file. */
  bit(): number {
    if (this.left === 0) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new EndOfData();
      if (byte === 0xff && this.bytes[this.at + 1] !== 0) throw new EndOfData();
      this.at += byte === 0xff ? 2 : 1;
      this.buffer = byte;
      this.left = 8;
    }
    return (this.buffer >> --this.left) & 1;
  }

  skip(bits: number): void {
    for (let i = 0; i < bits; i++) this.bit();
  }

  /** @throws EndOfData also for a code that the table does not have. */
  symbol({ first, end, start, values }: HuffmanTable): number {
    let code = 0;
    for (let length = 1; length <= CODE_LENGTHS; length++) {
      code = (code << 1) | this.bit();
      if (code < end[length]!) return values[start[length]! + code - first[length]!]!;
    }
    throw new EndOfData();
  }

  /** Goes behind the next restart marker. */
  restart(): void {
    this.left = 0;
    const isMarker = this.bytes[this.at] === 0xff && (this.bytes[this.at + 1]! & 0xf8) === 0xd0;
    if (!isMarker) throw new EndOfData();
    this.at += 2;
  }
}

/** Reads the tables of a DHT segment. */
function readTables(segment: Uint8Array, tables: Map<number, HuffmanTable>): void {
  for (let at = 0; at + 1 + CODE_LENGTHS <= segment.length; ) {
    const counts = segment.subarray(at + 1, at + 1 + CODE_LENGTHS);
    const [first, end, start] = [new Int32Array(17), new Int32Array(17), new Int32Array(17)];
    let [code, total] = [0, 0];
    for (let length = 1; length <= CODE_LENGTHS; length++) {
      first[length] = code;
      start[length] = total;
      code += counts[length - 1]!;
      total += counts[length - 1]!;
      end[length] = code;
      code <<= 1;
    }
    const values = segment.subarray(at + 1 + CODE_LENGTHS, at + 1 + CODE_LENGTHS + total);
    tables.set(segment[at]!, { first, end, start, values });
    at += 1 + CODE_LENGTHS + total;
  }
}

function readFrame(segment: Uint8Array): Frame {
  const components = Array.from({ length: segment[5]! }, (_, i) => {
    const factors = segment[7 + 3 * i]!;
    return { id: segment[6 + 3 * i]!, across: factors >> 4, down: factors & 15 };
  });
  return { height: (segment[1]! << 8) | segment[2]!, width: (segment[3]! << 8) | segment[4]!, components };
}

/** Units of no size would never end. */
function isOutOfRange({ across, down }: Component): boolean {
  return Math.min(across, down) < 1 || Math.max(across, down) > MAX_FACTOR;
}

/** A component of a scan with its tables. */
interface ScanComponent extends Component {
  dc: HuffmanTable;
  ac: HuffmanTable;
}

/** Counts the units of a scan, and the blocks of each of its components in a unit. */
function layOut(
  { width, height, components }: Frame,
  scan: readonly ScanComponent[],
): { units: number; blocks: number[] } {
  const [across, down] = [
    Math.max(...components.map((c) => c.across)),
    Math.max(...components.map((c) => c.down)),
  ];
  if (scan.length > 1)
    return {
      units: Math.ceil(width / (BLOCK_SIDE * across)) * Math.ceil(height / (BLOCK_SIDE * down)),
      blocks: scan.map((c) => c.across * c.down),
    };
  // A component by itself has no padding to whole units.
  const [only] = scan;
  const columns = Math.ceil(Math.ceil((width * only!.across) / across) / BLOCK_SIDE);
  return { units: columns * Math.ceil(Math.ceil((height * only!.down) / down) / BLOCK_SIDE), blocks: [1] };
}

/** Reads over a block. */
function readBlock(bits: BitReader, { dc, ac }: ScanComponent): void {
  bits.skip(bits.symbol(dc));
  for (let k = 1; k < BLOCK_VALUES; k++) {
    const symbol = bits.symbol(ac);
    const [run, size] = [symbol >> 4, symbol & 15];
    if (size === 0 && run !== 15) return;
    k += run;
    bits.skip(size);
  }
}

/** Reads over the blocks of a scan. @returns the position behind them. @throws EndOfData if some are missing. */
function readScan(
  bytes: Uint8Array,
  at: number,
  frame: Frame,
  scan: readonly ScanComponent[],
  interval: number,
): number {
  const bits = new BitReader(bytes, at);
  const { units, blocks } = layOut(frame, scan);
  for (let unit = 0; unit < units; unit++) {
    if (interval > 0 && unit > 0 && unit % interval === 0) bits.restart();
    for (const [i, component] of scan.entries())
      for (let b = 0; b < blocks[i]!; b++) readBlock(bits, component);
  }
  return bits.at;
}

/** What the segments before a scan say about it. */
class Scans {
  private readonly tables = new Map<number, HuffmanTable>();
  private readonly complete = new Set<number>();
  private frame: Frame | undefined;
  private interval = 0;

  /** Takes a segment in. @returns the position behind it and the data of its scan. @throws EndOfData if some of that is missing. */
  take(bytes: Uint8Array, marker: number, from: number, end: number): number {
    const segment = bytes.subarray(from, end);
    if (marker === DHT) readTables(segment, this.tables);
    else if (marker === DRI) this.interval = (segment[0]! << 8) | segment[1]!;
    else if (SEQUENTIAL.includes(marker)) this.frame = readFrame(segment);
    if (marker !== SOS) return end;
    const scan = this.components(segment);
    const behind = readScan(bytes, end, this.frame!, scan, this.interval);
    for (const { id } of scan) this.complete.add(id);
    return behind;
  }

  areComplete(): boolean {
    return this.frame !== undefined && this.complete.size === this.frame.components.length;
  }

  /** Returns the components of a scan. @throws EndOfData if one of them, or a table, is missing or cannot be. */
  private components(segment: Uint8Array): ScanComponent[] {
    const count = segment[0] ?? 0;
    if (count < 1 || count > MAX_COMPONENTS || this.frame?.components.some(isOutOfRange))
      throw new EndOfData();
    return Array.from({ length: count }, (_, i) => {
      const component = this.frame?.components.find(({ id }) => id === segment[1 + 2 * i]);
      const choice = segment[2 + 2 * i]!;
      const [dc, ac] = [this.tables.get(choice >> 4), this.tables.get(0x10 | (choice & 15))];
      if (component === undefined || dc === undefined || ac === undefined) throw new EndOfData();
      return { ...component, dc, ac };
    });
  }
}

/**
 * Returns whether a sequential JPEG file (SOF0 or SOF1) has every block of every component.
 *
 * @param bytes the file, with or without its end marker.
 */
export function hasAllBlocks(bytes: Uint8Array): boolean {
  const scans = new Scans();
  try {
    for (let at = 2; at + 3 < bytes.length && bytes[at] === 0xff; ) {
      const marker = bytes[at + 1]!;
      if (marker === EOI) break;
      // Fill bytes may stand before a marker.
      if (marker === 0xff) at++;
      else at = scans.take(bytes, marker, at + 4, at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!));
    }
  } catch (error) {
    if (error instanceof EndOfData) return false;
    throw error;
  }
  return scans.areComplete();
}
