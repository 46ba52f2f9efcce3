// Counts worker threads.

/** The number of worker threads of this process, whoever started them. */
export function runningThreads(): number {
  const { workers } = process.report.getReport() as { workers: unknown[] };
  return workers.length;
}
