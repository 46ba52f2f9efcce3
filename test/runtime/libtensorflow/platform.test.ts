import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import {
  chooseDevice,
  listGpus,
  supportedArchitecture,
  thisPlatform,
} from '../../../src/runtime/libtensorflow/platform.js';
import { type FakeMachine, fakeMachine } from './fakes.js';

let machine: FakeMachine;

beforeEach(async () => {
  machine = await fakeMachine();
});

afterEach(() => machine.dispose());

describe('supportedArchitecture', () => {
  test('takes Linux with the GNU C library on x64 and arm64', () => {
    expect(supportedArchitecture({ system: 'linux', architecture: 'x64', glibc: '2.36' })).toBe('x64');
    expect(supportedArchitecture({ system: 'linux', architecture: 'arm64', glibc: '2.27' })).toBe('arm64');
  });

  test.each([
    [{ system: 'darwin', architecture: 'arm64', glibc: undefined }, 'darwin on arm64'],
    [{ system: 'win32', architecture: 'x64', glibc: undefined }, 'WSL 2'],
    [{ system: 'linux', architecture: 'riscv64', glibc: '2.36' }, 'linux on riscv64'],
    [{ system: 'linux', architecture: 'x64', glibc: undefined }, 'musl'],
    [{ system: 'linux', architecture: 'x64', glibc: '2.9' }, 'glibc 2.9'],
  ])('refuses %j by name', (platform, text) => {
    expect(() => supportedArchitecture(platform)).toThrow(InputError);
    expect(() => supportedArchitecture(platform)).toThrow(text);
  });

  test('knows this machine', () => {
    expect(thisPlatform()).toMatchObject({ system: process.platform, architecture: process.arch });
  });
});

describe('chooseDevice', () => {
  const twoGpus = "echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'; echo 'GPU 1: NVIDIA L4 (UUID: GPU-2)'";

  test('auto follows nvidia-smi', async () => {
    expect(await chooseDevice('auto', 'x64', machine.env)).toBe('cpu');
    await machine.program('nvidia-smi', twoGpus);
    expect(await chooseDevice('auto', 'x64', machine.env)).toBe('gpu');
    expect(await listGpus(machine.env)).toEqual(['NVIDIA H200', 'NVIDIA L4']);
  });

  test('auto is the CPU where nvidia-smi fails or shows none', async () => {
    await machine.program('nvidia-smi', `${twoGpus}; exit 9`);
    expect(await chooseDevice('auto', 'x64', machine.env)).toBe('cpu');
    await machine.program('nvidia-smi', 'echo No devices were found');
    expect(await chooseDevice('auto', 'x64', machine.env)).toBe('cpu');
  });

  test('what the user names goes first, where it exists', async () => {
    await machine.program('nvidia-smi', twoGpus);
    expect(await chooseDevice('cpu', 'x64', machine.env)).toBe('cpu');
    expect(await chooseDevice('auto', 'arm64', machine.env)).toBe('cpu');
    await expect(chooseDevice('gpu', 'arm64', machine.env)).rejects.toThrow('use --device cpu');
  });
});
