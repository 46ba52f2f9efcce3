import { type ReportImage, reportImage } from '../../report/image.js';
import { pickEvenly, type ReportGrid } from '../../report/page.js';
import { listSamples, SAMPLE_CAPTION, SAMPLE_COLUMNS, type SampleFiles } from './sample-files.js';

/** Largest sizes on the page, px: the files in `samples/` are whole. */
const NEWEST_PX = { width: 1200, height: 1800 };
const EARLIER_PX = { width: 800, height: 1200 };
const MAX_EARLIER = 8;
/** All pictures together, bytes; base64 makes a third more of it. */
const MAX_BYTES = 1.9e6;

/** The samples of a run as parts of its page. */
export interface ReportSamples {
  /** The newest ones: of the averages, and of the weights as trained where there are such. */
  newest: ReportGrid[];
  /** Some of the earlier ones, evenly spaced, in order. */
  earlier: ReportGrid[];
  earlierCount: number;
}

/**
 * Reads the samples of a run, in sizes that keep a page small.
 *
 * @param step later ones, which an interrupted or repeated stretch of the training left, are passed over.
 */
export async function reportSamples(runDir: string, step = Number.POSITIVE_INFINITY): Promise<ReportSamples> {
  const samples = (await listSamples(runDir)).filter((files) => files.step <= step);
  const last = samples.at(-1);
  if (last === undefined) return { newest: [], earlier: [], earlierCount: 0 };
  const newest = await newestGrids(last);
  const before = samples.slice(0, -1).flatMap(({ step, ema }) => (ema ? [{ step, ema }] : []));
  const left = MAX_BYTES - bytesOf(newest);
  let earlier: ReportGrid[] = [];
  for (let count = MAX_EARLIER; count >= 2; count /= 2) {
    earlier = await Promise.all(pickEvenly(before, count).map(earlierGrid));
    if (bytesOf(earlier) <= left) return { newest, earlier, earlierCount: before.length };
  }
  return { newest, earlier: [], earlierCount: before.length };
}

async function newestGrids({ step, ema, raw }: SampleFiles): Promise<ReportGrid[]> {
  const grids: ReportGrid[] = [];
  if (ema !== undefined)
    grids.push({
      title: `Samples of step ${step}`,
      caption: `With the averaged weights, which translate. ${SAMPLE_CAPTION}`,
      image: await reportImage(ema, NEWEST_PX),
      columnLabels: SAMPLE_COLUMNS.A2B,
    });
  if (raw !== undefined)
    grids.push({
      title: `Samples of step ${step}, weights as trained`,
      caption:
        'The same with the weights as the last step left them, without averaging: what the averages go to.',
      image: await reportImage(raw, NEWEST_PX),
    });
  return grids;
}

async function earlierGrid({ step, ema }: { step: number; ema: string }): Promise<ReportGrid> {
  return { title: `Step ${step}`, caption: '', image: await reportImage(ema, EARLIER_PX) };
}

function bytesOf(grids: readonly { image: ReportImage }[]): number {
  return grids.reduce((total, { image }) => total + image.bytes.length, 0);
}
