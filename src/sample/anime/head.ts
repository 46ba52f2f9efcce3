// Heads of anime portraits without their features: contour, ears and neck.
import type { Pose } from '../pose.js';
import { lerp, type Point, smoothClosedPath, svg } from '../svg.js';
import { type Frame, farSide } from './frame.js';
import { type Ink, inked, stroke, weighted } from './ink.js';
import type { ContourManner, Manner } from './manner.js';
import type { AnimeStyle } from './style.js';

/** The contour from the far temple down to the chin and up to the near one: straight ahead, and fully turned right. */
const STRAIGHT: readonly Point[] = [
  [20.4, -9],
  [20.9, -2],
  [20, 7],
  [16.4, 14.4],
  [9.8, 20.6],
  [0, 25.3],
  [-9.8, 20.6],
  [-16.4, 14.4],
  [-20, 7],
  [-20.9, -2],
  [-20.4, -9],
];
const TURNED: readonly Point[] = [
  [20.6, -9],
  [21.9, -1],
  [21.6, 8],
  [19.6, 15],
  [15.4, 20.8],
  [9.4, 25.3],
  [-1.5, 22],
  [-10.5, 17],
  [-16.4, 9.5],
  [-19.6, -1],
  [-21.4, -9],
];
const CHIN = 5;
const SKULL: readonly Point[] = [
  [-15, -22],
  [0, -28],
  [15, -22],
];

/** The closed contour of the face. */
export function contourPath(frame: Frame, contour: ContourManner, style: AnimeStyle): string {
  const far = farSide(frame);
  const turn = Math.abs(frame.turn);
  const boy = style.figure === 'boy' ? 1 : 0;
  const chinX = lerp(STRAIGHT[CHIN]![0], TURNED[CHIN]![0], turn);
  const stretch = (contour.chin + 0.7 * boy) / 25.3;
  const jaw = contour.jaw + 0.05 * boy;
  const points = STRAIGHT.map(([x, y], i): Point => {
    const [tx, ty] = TURNED[i]!;
    const at: Point = [lerp(x, tx, turn), lerp(y, ty, turn)];
    // Only the lower half of the face differs between families.
    const low = Math.min(1, Math.max(0, (at[1] - 8) / 8));
    return [chinX + (at[0] - chinX) * lerp(1, jaw, low), at[1] * lerp(1, stretch, low)];
  });
  const chinY = points[CHIN]![1];
  const half = contour.point + 0.8 * boy;
  points.splice(CHIN, 1, [chinX + half, chinY - 0.15], [chinX - half, chinY - 0.15]);
  return smoothClosedPath([...points, ...SKULL].map(([x, y]): Point => [far * x, y]));
}

/** Both ears; the far one goes behind the face as the head turns. */
export function ears(frame: Frame, ink: Ink, earring: string): string {
  return [-1, 1]
    .map((side) => {
      const angle = ((92 * side + frame.yaw) * Math.PI) / 180;
      const x = 20.4 * Math.sin(angle);
      const isHidden = side === farSide(frame) && Math.abs(frame.turn) > 0.25;
      const ear =
        inked(
          svg`M${side * -1.6} -2.5C${side * 1.6} -6 ${side * 4.8} -3.4 ${side * 3.8} 2C${side * 3.2} 5.4 ${side * 1.8} 8.4 ${side * -1} 7.4Z`,
          ink.skin,
          ink,
          0.9,
        ) +
        stroke(svg`M${side * 0.4} -1.6Q${side * 2.8} -2.4 ${side * 1.7} 2.4`, ink, 0.55, ink.skinLine) +
        (earring === '' || isHidden ? '' : svg`<g transform="translate(${side * 1.2} 8.6)">${earring}</g>`);
      return svg`<g transform="translate(${x} 1.5)">${ear}</g>`;
    })
    .join('');
}

/** The neck down to below the collar, with the shadow of the chin, in body coordinates. */
export function neck(pose: Pose, frame: Frame, style: AnimeStyle, manner: Manner, ink: Ink): string {
  const half = style.figure === 'boy' ? 8.4 : 6.9;
  const back = frame.shift(-3);
  const tx = pose.neckTop[0] + back;
  const ty = pose.neckTop[1];
  const [bx, by] = pose.neckBase;
  const path = svg`M${tx - half} ${ty - 4}C${tx - half + 0.3} ${ty + 9} ${bx - half} ${by - 6} ${bx - half - 2} ${by - 1}L${bx - 17} ${by + 4}L${bx} ${by + 26}L${bx + 17} ${by + 4}L${bx + half + 2} ${by - 1}C${bx + half} ${by - 6} ${tx + half - 0.3} ${ty + 9} ${tx + half} ${ty - 4}Z`;
  const [sx, sy] = [pose.neckTop[0] + frame.shift(10), ty];
  const shadow = svg`<clipPath id="neck"><path d="${path}"/></clipPath><path clip-path="url(#neck)" d="M${sx - 22} ${sy - 8}L${sx + 22} ${sy - 8}L${sx + 12} ${sy + 12.5}Q${sx + 1} ${sy + 18} ${sx - 13} ${sy + 11}Z" fill="${ink.skinShade}"/>`;
  const bones = [-1, 1].map((side) =>
    stroke(
      svg`M${bx + side * 2.2} ${by + 5}Q${bx + side * 6} ${by + 3} ${bx + side * 10} ${by + 3.6}`,
      ink,
      0.55,
      ink.skinLine,
    ),
  );
  return weighted(path, ink.skin, ink, manner.weight * 0.5) + shadow + bones.join('') + stroke(path, ink);
}
