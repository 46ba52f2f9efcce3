/**
 * What `work` gives for each item, in the order of the items, with at most `ahead` of them under way, or done and not yet
 * taken. After an error no further one is begun.
 */
export async function* orderedMap<T, R>(
  items: readonly T[],
  ahead: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const pending: Promise<R>[] = [];
  let next = 0;
  while (next < items.length || pending.length > 0) {
    while (next < items.length && pending.length < ahead) {
      const result = work(items[next++]!);
      // Told when its turn comes, or not at all, where one before it failed.
      result.catch(() => undefined);
      pending.push(result);
    }
    yield await pending.shift()!;
  }
}
