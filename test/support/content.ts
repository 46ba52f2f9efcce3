// The content of a portrait to vary in tests.
import type { Content } from '../../src/sample/factors.js';

/** A face in the middle that looks straight ahead, serious, with closed lips and short hair. */
export const AHEAD: Content = {
  x: 0,
  y: 0,
  scale: 1,
  tilt: 0,
  turn: 0,
  gazeX: 0,
  gazeY: 0,
  smile: 0,
  open: 0,
  hairLength: 0,
};
