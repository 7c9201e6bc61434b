/**
 * Does all the work, several pieces at a time. They begin in this order.
 *
 * @param lanes how many at a time; by default one for each processor.
 */
export async function sideBySide(
  work: readonly (() => Promise<unknown>)[],
  lanes = navigator.hardwareConcurrency,
): Promise<void> {
  const queue = [...work];
  const next = async () => {
    for (let piece = queue.shift(); piece; piece = queue.shift()) await piece();
  };
  await Promise.all(Array.from({ length: lanes }, next));
}
