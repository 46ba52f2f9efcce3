import { describe, expect, it } from 'vitest';
import type { Face } from '../../src/faces/face.js';
import { mayBeTurned, type QuarterTurns, uprightTurn } from '../../src/faces/turn.js';

const face = (width: number, height: number, score: number): Face => ({
  ...{ left: 10, top: 10, width, height },
  score,
});
const UPRIGHT = face(100, 130, 0.97);
const LYING = face(130, 110, 0.85);

describe('whether an image lies on its side', () => {
  it('an image whose largest face is certain and higher than wide is upright', () => {
    expect(mayBeTurned([UPRIGHT, LYING])).toBe(false);
  });

  it.each([[[]], [[LYING]], [[face(130, 120, 0.98)]], [[face(100, 130, 0.7)]]])(
    'an image with the faces %j may lie on its side',
    (faces) => {
      expect(mayBeTurned(faces)).toBe(true);
    },
  );
});

describe('the turn that makes an image upright', () => {
  const turn = (...looks: [QuarterTurns, Face[]][]): QuarterTurns => uprightTurn(new Map(looks));

  it('is the one after which faces are higher than wide and certain', () => {
    expect(turn([0, [LYING]], [1, []], [3, [UPRIGHT]], [2, [LYING]])).toBe(3);
    expect(turn([0, [face(100, 130, 0.7)]], [1, []], [3, [LYING]], [2, [UPRIGHT]])).toBe(2);
  });

  it('is none without a face', () => {
    expect(turn([0, []], [1, []], [3, []], [2, []])).toBe(0);
  });

  it('is none where another turn is hardly better', () => {
    expect(turn([0, [face(100, 130, 0.8)]], [1, [face(100, 130, 0.85)]])).toBe(0);
  });

  it('counts all faces of a group', () => {
    expect(turn([0, [UPRIGHT]], [1, [UPRIGHT, UPRIGHT]])).toBe(1);
  });
});
