/** Does it for each item, some at a time: enough to keep a server busy, few enough not to choke it. */
export async function inTurns<Item>(
  items: readonly Item[],
  deal: (item: Item) => Promise<void>,
  atOnce = 8,
): Promise<void> {
  const waiting = items.values();
  const work = async () => {
    for (const item of waiting) await deal(item);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
