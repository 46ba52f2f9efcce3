// Judges by its faces whether an image lies on its side; needs nothing of Node.
import type { Face } from './face.js';

/** Clockwise turns by 90 degrees. */
export type QuarterTurns = 0 | 1 | 2 | 3;

/** The turns that are tried, the likely ones first. */
export const OTHER_TURNS: readonly QuarterTurns[] = [1, 3, 2];

/** A face that stands upright has such a score, and is so much higher than wide; one that lies on its side lacks one of both. */
const SURE_SCORE = 0.9;
const SURE_HEIGHT = 1.05;
/** Evidence for another turn must exceed that for the image as it is by this. */
const ADVANTAGE = 0.15;

/** Evidence that a face is upright: the detector finds faces in every position, but gives them lower scores and wider boxes. */
function evidence({ width, height, score }: Face): number {
  return score * Math.min(1, height / (width * SURE_HEIGHT)) ** 2;
}

const total = (faces: readonly Face[]): number => faces.reduce((sum, face) => sum + evidence(face), 0);

/** Returns whether an image with these faces, the largest first, may lie on its side or upside down. */
export function mayBeTurned([largest]: readonly Face[]): boolean {
  return largest === undefined || largest.score < SURE_SCORE || largest.height < SURE_HEIGHT * largest.width;
}

/** Returns the turn that makes the image upright. @param looks the faces of the image after each turn, 0 included. */
export function uprightTurn(looks: ReadonlyMap<QuarterTurns, readonly Face[]>): QuarterTurns {
  let best: { turns: QuarterTurns; evidence: number } = {
    turns: 0,
    evidence: total(looks.get(0) ?? []) + ADVANTAGE,
  };
  for (const [turns, faces] of looks) {
    const sum = total(faces);
    if (turns !== 0 && sum > best.evidence) best = { turns, evidence: sum };
  }
  return best.turns;
}
