// The sample grids of a run as parts of its page.
import { decodeImage } from '../../data/decode.js';
import { type ReportImage, reportImage } from '../../report/image.js';
import { pickEvenly, type ReportGrid } from '../../report/page.js';
import { listSamples, SAMPLE_CAPTION, SAMPLE_COLUMNS, type SampleFiles } from './sample-files.js';

/** Maximum sizes on the page, px; the files in `samples/` have the full size. */
const NEWEST_PX = { width: 1200, height: 1800 };
const EARLIER_PX = { width: 800, height: 1200 };
const MAX_EARLIER = 8;
/** Limit on all images together, bytes, before base64 adds a third. */
const MAX_BYTES = 1.9e6;

/** The samples of a run as parts of its page. */
export interface ReportSamples {
  /** The newest grids: with EMA weights, and with raw weights if there is one. */
  newest: ReportGrid[];
  /** Some of the earlier grids, evenly spaced, in order. */
  earlier: ReportGrid[];
  earlierCount: number;
}

/**
 * Reads the samples of a run, in sizes that keep a page small.
 *
 * @param step samples of later steps, left by an interrupted or repeated stretch of training, are skipped.
 */
export async function reportSamples(runDir: string, step = Number.POSITIVE_INFINITY): Promise<ReportSamples> {
  const samples = (await listSamples(runDir)).filter((files) => files.step <= step);
  const last = samples.at(-1);
  if (last === undefined) return { newest: [], earlier: [], earlierCount: 0 };
  const newest = await newestGrids(last);
  const earlierSamples = samples.slice(0, -1).flatMap(({ step, ema }) => (ema ? [{ step, ema }] : []));
  const remainingBytes = MAX_BYTES - bytesOf(newest);
  let earlier: ReportGrid[] = [];
  for (let count = MAX_EARLIER; count >= 2; count /= 2) {
    earlier = await Promise.all(pickEvenly(earlierSamples, count).map(earlierGrid));
    if (bytesOf(earlier) <= remainingBytes) return { newest, earlier, earlierCount: earlierSamples.length };
  }
  return { newest, earlier: [], earlierCount: earlierSamples.length };
}

async function newestGrids({ step, ema, raw }: SampleFiles): Promise<ReportGrid[]> {
  const grids: ReportGrid[] = [];
  if (ema !== undefined)
    grids.push({
      title: `Samples of step ${step}`,
      caption: `With the averaged (EMA) weights, which translate. ${SAMPLE_CAPTION}`,
      image: await reportImage(await decodeImage(ema), NEWEST_PX),
      columnLabels: SAMPLE_COLUMNS.A2B,
    });
  if (raw !== undefined)
    grids.push({
      title: `Samples of step ${step}, raw weights`,
      caption:
        'The same with the weights as the last step left them, without averaging; the average follows them.',
      image: await reportImage(await decodeImage(raw), NEWEST_PX),
    });
  return grids;
}

async function earlierGrid({ step, ema }: { step: number; ema: string }): Promise<ReportGrid> {
  return { title: `Step ${step}`, caption: '', image: await reportImage(await decodeImage(ema), EARLIER_PX) };
}

function bytesOf(grids: readonly { image: ReportImage }[]): number {
  return grids.reduce((total, { image }) => total + image.bytes.length, 0);
}
