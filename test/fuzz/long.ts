// One target for Jazzer.js, which changes inputs by what code they reach. GNR_FUZZ_TARGET names it.
import { checkInput } from './target.js';
import { targets } from './targets.js';

const target = targets[process.env.GNR_FUZZ_TARGET ?? '']!;

/** Called with every input. @throws Error if the target breaks its contract. */
export async function fuzz(data: Uint8Array): Promise<void> {
  await checkInput(target, new Uint8Array(data));
}
