// Maps items concurrently and yields the results in order.
/**
 * Yields the result of `work` for each item, in the order of the items. At most `ahead` of them are in progress, or
 * done and not yet taken. After an error no further work begins.
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
      // An error is thrown when its turn comes, unless an earlier one ended the loop.
      result.catch(() => undefined);
      pending.push(result);
    }
    yield await pending.shift()!;
  }
}
