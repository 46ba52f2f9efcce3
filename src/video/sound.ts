// Decides what becomes of each audio track, by trying it on the first second.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container } from './containers.js';
import { inputFile, type VideoInfo } from './probe.js';
import { outputOf } from './tools.js';

/** What becomes of an audio track. */
export type TrackFate = 'copied' | 're-encoded' | 'mixed down' | 'left out';

/** An audio track of the output. */
export interface PlannedTrack {
  /** The stream's number in the input. */
  index: number;
  fate: Exclude<TrackFate, 'left out'>;
  /** The encoder; undefined for a copy. */
  encoder?: string;
}

/** The video whose audio is planned, and where it goes. */
export interface SoundOptions {
  input: string;
  container: Container;
  encoders: ReadonlySet<string>;
  signal?: AbortSignal | undefined;
}

/** Bits per second of two channels; more channels get more in proportion. */
const AUDIO_BITS = '192k';
/** Layouts that every audio encoder here takes; ffmpeg maps others, such as 5.1(side), to the nearest one. */
const LAYOUTS = ['mono', 'stereo', '3.0', '4.0', 'quad', '5.0', '5.1', '6.1', '7.1'];
const TRIAL_SECONDS = 1;

/** The options of ffmpeg for a track. @param place its place among the audio tracks of the output. */
export function trackOptions({ fate, encoder }: PlannedTrack, place: number): string[] {
  if (encoder === undefined) return [`-c:a:${place}`, 'copy'];
  const channels = fate === 'mixed down' ? 'stereo' : LAYOUTS.join('|');
  return [
    ...[`-c:a:${place}`, encoder, `-b:a:${place}`, AUDIO_BITS],
    ...[`-filter:a:${place}`, `aformat=channel_layouts=${channels}`],
  ];
}

/** @returns whether the first second of a track can be written so. */
async function works({ input, container, signal }: SoundOptions, track: PlannedTrack): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'gnr-sound-'));
  try {
    const args = [
      ...['-nostdin', '-v', 'error', '-y', '-t', String(TRIAL_SECONDS), ...inputFile(input)],
      ...['-map', `0:${track.index}`, ...trackOptions(track, 0), '-f', container.muxer],
      `file:${join(folder, 'trial')}`,
    ];
    return (await outputOf('ffmpeg', args, { input, signal })).code === 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Plans the audio of a video: a track is copied if the container takes its codec, and encoded otherwise, with as many
 * channels as it has if that works, and as stereo if not. Each way is tried on the first second of the track, so that
 * nothing fails when the frames have been translated.
 * @returns the tracks of the output, and what becomes of each track of the input.
 * @throws InterruptedError after `signal`.
 */
export async function planSound(
  info: Pick<VideoInfo, 'audio'>,
  options: SoundOptions,
): Promise<{ tracks: PlannedTrack[]; fates: TrackFate[] }> {
  const { container, encoders } = options;
  const encoder = container.audioEncoders.find((name) => encoders.has(name));
  const tracks: PlannedTrack[] = [];
  const fates: TrackFate[] = [];
  for (const { index, codec } of info.audio) {
    const ways: PlannedTrack[] = [
      ...(codec !== undefined && container.audioCodecs.test(codec)
        ? [{ index, fate: 'copied' as const }]
        : []),
      ...(codec === undefined || encoder === undefined
        ? []
        : (['re-encoded', 'mixed down'] as const).map((fate) => ({ index, fate, encoder }))),
    ];
    let chosen: PlannedTrack | undefined;
    for (const way of ways) {
      if (!(await works(options, way))) continue;
      chosen = way;
      break;
    }
    if (chosen) tracks.push(chosen);
    fates.push(chosen?.fate ?? 'left out');
  }
  return { tracks, fates };
}
