// One target for Jazzer.js, which changes inputs by what code they reach. GNR_FUZZ_TARGET names it.
import type { FuzzTarget } from './target.js';
import { checkInput } from './target.js';
import { allTargets } from './targets.js';

let target: Promise<FuzzTarget> | undefined;

/** Called with every input. @throws Error if the target breaks its contract. */
export async function fuzz(data: Uint8Array): Promise<void> {
  target ??= allTargets().then((targets) => targets[process.env.GNR_FUZZ_TARGET ?? '']!);
  await checkInput(await target, new Uint8Array(data));
}
