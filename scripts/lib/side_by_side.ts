/** Does all the work, as many pieces at a time as there are processors. */
export async function sideBySide(work: (() => Promise<void>)[]): Promise<void> {
  const queue = [...work];
  const next = async () => {
    for (let piece = queue.shift(); piece; piece = queue.shift()) await piece();
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, next));
}
