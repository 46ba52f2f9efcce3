// Sets up the engine on a fake machine, for tests of the CPU and the GPU build.
import fs from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Packages } from '../../src/setup/addon.js';
import type { SetupEvent } from '../../src/setup/events.js';
import { bindingDirectory } from '../../src/setup/installed.js';
import { type SetupOptions, setUpEngine } from '../../src/setup/setup.js';
import {
  deliver,
  type FakeMachine,
  fakeCompiler,
  fakeMachine,
  fakePackages,
  fakePython,
  wheelsOf,
  writeWheel,
} from './fake-machine.js';

/** A fake machine for each test, with a pip that delivers one wheel for all packages and a compiler that works. */
export class EngineSetup {
  machine!: FakeMachine;
  packages!: Packages;
  /** The events of all set-ups of the test. */
  events: SetupEvent[] = [];
  /** The wheel that pip delivers. */
  wheel!: string;

  /** Call at the top of a test file. @param wheelFiles what the delivered wheel holds, by path. */
  static prepare(wheelFiles: Record<string, string>): EngineSetup {
    const setup = new EngineSetup();
    beforeEach(async () => {
      setup.machine = await fakeMachine();
      setup.packages = await fakePackages(setup.machine.root);
      setup.events = [];
      setup.wheel = path.join(setup.machine.root, 'any.whl');
      writeWheel(setup.wheel, wheelFiles);
      await setup.machine.program('python3', fakePython(deliver(setup.wheel)));
      await setup.machine.program('c++', fakeCompiler('good'));
    });
    afterEach(() => setup.machine.dispose());
    return setup;
  }

  /** Runs `setUpEngine` on the machine. */
  run(options: SetupOptions = {}): ReturnType<typeof setUpEngine> {
    return setUpEngine({
      env: this.machine.env,
      packages: this.packages,
      platform: { system: 'linux', architecture: process.arch, glibc: '2.36' },
      root: this.machine.root,
      onEvent: (event) => void this.events.push(event),
      freeBytes: 1e12,
      wheels: wheelsOf(this.wheel),
      ...options,
    });
  }

  /** The content of the installed addon. */
  installed(): Promise<string> {
    return fs.readFile(path.join(bindingDirectory(this.packages), 'tfjs_binding.node'), 'utf8');
  }

  /** The texts of all events of a kind. */
  eventTexts(kind: SetupEvent['kind']): string[] {
    return this.events.flatMap((event) => (event.kind === kind && 'text' in event ? [event.text] : []));
  }
}
