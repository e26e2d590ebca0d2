/** Several pieces of work under way at once, their results in order. */

/** The result of `body` for each item, at most `limit` at once. After a failure nothing new is begun, and it is thrown. */
export async function mapAtOnce<T, R>(
  items: readonly T[],
  limit: number,
  body: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const next = items.entries();
  let failed = false;
  const line = async (): Promise<void> => {
    for (const [index, item] of next) {
      try {
        results[index] = await body(item);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (failed) return;
    }
  };
  const lines = Array.from({ length: Math.min(limit, items.length) }, line);
  await Promise.allSettled(lines);
  await Promise.all(lines);
  return results;
}

/** The results of `body` for stretches of `size` items, at most `limit` stretches at once, in the items' order. */
export async function mapGroups<T, R>(
  items: readonly T[],
  { size, limit }: { readonly size: number; readonly limit: number },
  body: (group: readonly T[], start: number) => Promise<readonly R[]>,
): Promise<R[]> {
  const starts = Array.from({ length: Math.ceil(items.length / size) }, (_, i) => i * size);
  const results = await mapAtOnce(starts, limit, (start) =>
    body(items.slice(start, start + size), start),
  );
  return results.flat();
}
