// Sets the engine up when it is first needed.
import { findPackages, installedStamp } from './installed.js';

/** Sets the engine up, and reports progress to its user. */
export type EngineProvider = () => Promise<void>;

let provider: EngineProvider | undefined;

/**
 * Sets what sets a missing engine up; nothing by default, so that a program that imports the library never starts to download
 * by itself. The command line sets `gnr setup`.
 */
export function onMissingEngine(provide: EngineProvider | undefined): void {
  provider = provide;
}

/**
 * Sets the engine up if it is missing or belongs to other packages, and there is something that does it. GNR_SKIP_SETUP=1
 * leaves it to `gnr setup`.
 */
export async function provideEngine(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (provider === undefined || env.GNR_SKIP_SETUP === '1') return;
  if ((await installedStamp(await findPackages())) === undefined) await provider();
}
