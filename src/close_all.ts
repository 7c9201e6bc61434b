/**
 * Closes all, even if one of them throws; then it throws the first of these errors. Internal.
 */
export function closeAll(all: Iterable<{ close(): void }>): void {
  const errors: unknown[] = [];
  for (const one of all) {
    try {
      one.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
