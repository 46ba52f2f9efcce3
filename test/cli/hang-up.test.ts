import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isStartedByNohup } from '../../src/cli/hang-up.js';

const run = (script: string): string => execFileSync('bash', ['-c', script], { encoding: 'utf8' });
const STATUS = 'cat /proc/$$/status';
const STANDARD_INPUT = 'cat /proc/self/fdinfo/0';

/** An ordinary process: started by a shell that ignores nothing, with a standard input that can be read. */
const ordinary = () => ({
  startedProgram: '/usr/bin/node',
  standardInput: run(STANDARD_INPUT),
  parentStatus: run(STATUS),
});

describe('hang-ups', () => {
  it('end an ordinary process, and one of which nothing is known', () => {
    expect(isStartedByNohup(ordinary())).toBe(false);
    expect(isStartedByNohup({ startedProgram: '', standardInput: '', parentStatus: '' })).toBe(false);
  });

  it.each([
    ['a shell started with nohup', () => ({ startedProgram: '/usr/bin/nohup' })],
    [
      'has a standard input that cannot be read, as nohup leaves it',
      () => ({
        standardInput: run(`${STANDARD_INPUT} 0> /dev/null`),
      }),
    ],
    ['a shell started that ignores them', () => ({ parentStatus: run(`trap '' HUP; ${STATUS}`) })],
  ])('are ignored by a process that %s', (_, signs) => {
    expect(isStartedByNohup({ ...ordinary(), ...signs() })).toBe(true);
  });

  it('end a process whose parent ignores other signals', () => {
    const parentStatus = run(`trap '' INT QUIT PIPE TERM; ${STATUS}`);
    expect(parentStatus).toMatch(/^SigIgn:\t0+[1-9a-f]/m);
    expect(isStartedByNohup({ ...ordinary(), parentStatus })).toBe(false);
  });
});
