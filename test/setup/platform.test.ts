import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../src/base/errors.js';
import { surveyGpus } from '../../src/setup/gpus.js';
import { chooseDevice, supportedArchitecture, thisPlatform } from '../../src/setup/platform.js';
import { type FakeMachine, fakeMachine, fakeSmi } from '../support/fake-machine.js';

let machine: FakeMachine;

beforeEach(async () => {
  machine = await fakeMachine();
});

afterEach(() => machine.dispose());

describe('supportedArchitecture', () => {
  test('accepts Linux with the GNU C library on x64 and arm64', () => {
    expect(supportedArchitecture({ system: 'linux', architecture: 'x64', glibc: '2.36' })).toBe('x64');
    expect(supportedArchitecture({ system: 'linux', architecture: 'arm64', glibc: '2.27' })).toBe('arm64');
  });

  test.each([
    [{ system: 'darwin', architecture: 'arm64', glibc: undefined }, 'darwin on arm64'],
    [{ system: 'win32', architecture: 'x64', glibc: undefined }, 'WSL 2'],
    [{ system: 'linux', architecture: 'riscv64', glibc: '2.36' }, 'linux on riscv64'],
    [{ system: 'linux', architecture: 'x64', glibc: undefined }, 'musl'],
    [{ system: 'linux', architecture: 'x64', glibc: '2.9' }, 'glibc 2.9'],
  ])('rejects %j with a message that contains "%s"', (platform, text) => {
    expect(() => supportedArchitecture(platform)).toThrow(InputError);
    expect(() => supportedArchitecture(platform)).toThrow(text);
  });

  test('thisPlatform describes this machine', () => {
    expect(thisPlatform()).toMatchObject({ system: process.platform, architecture: process.arch });
  });
});

describe('chooseDevice', () => {
  const l4 = '1, GPU-2, NVIDIA L4, 8.9, 23034, 5, 560.35.03, [N/A]';
  const old = '0, GPU-1, NVIDIA L4, 8.9, 23034, 5, 470.42.01, [N/A]';
  const survey = () => surveyGpus({ env: machine.env, root: machine.root });

  test('resolves auto by nvidia-smi', async () => {
    expect(chooseDevice('auto', 'x64', await survey())).toEqual({ device: 'cpu', skippedGpu: null });
    await machine.program('nvidia-smi', fakeSmi(l4));
    expect(chooseDevice('auto', 'x64', await survey())).toEqual({ device: 'gpu', skippedGpu: null });
  });

  test('resolves auto to the CPU if nvidia-smi fails or shows no GPU', async () => {
    await machine.program('nvidia-smi', 'echo NVIDIA-SMI has failed; exit 9');
    expect(chooseDevice('auto', 'x64', await survey()).device).toBe('cpu');
    await machine.program('nvidia-smi', 'echo No devices were found');
    expect(chooseDevice('auto', 'x64', await survey()).device).toBe('cpu');
  });

  test('skips a GPU that cannot be used with auto, and says why', async () => {
    await machine.program('nvidia-smi', fakeSmi(old));
    expect(chooseDevice('auto', 'x64', await survey())).toEqual({
      device: 'cpu',
      skippedGpu: {
        found: 'NVIDIA L4 of compute capability 8.9 with driver 470.42.01',
        remedy: 'install driver 525.60.13 or newer',
      },
    });
    await machine.program('nvidia-smi', fakeSmi(old, l4));
    expect(chooseDevice('auto', 'x64', await survey()).device).toBe('gpu');
  });

  test('follows the choice of the user if the build exists', async () => {
    await machine.program('nvidia-smi', fakeSmi(l4));
    expect(chooseDevice('cpu', 'x64', await survey()).device).toBe('cpu');
    expect(chooseDevice('gpu', 'x64', undefined).device).toBe('gpu');
    expect(chooseDevice('auto', 'arm64', await survey()).device).toBe('cpu');
    expect(() => chooseDevice('gpu', 'arm64', undefined)).toThrow('use --device cpu');
  });
});
