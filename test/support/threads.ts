/** How many worker threads this process has now, whoever started them. */
export function runningThreads(): number {
  const { workers } = process.report.getReport() as { workers: unknown[] };
  return workers.length;
}
