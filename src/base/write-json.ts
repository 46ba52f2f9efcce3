// Writes JSON files atomically.
import { writeFileAtomic } from './atomic-files.js';

/**
 * Writes a value as JSON with an indent of two spaces and a newline at the end, as `writeFileAtomic` writes files.
 * @throws RunError that names the path, the cause and the remedy; what was there before is kept.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
