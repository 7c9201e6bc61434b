/** The name of the error that `work` throws; `"none"` if it throws none. */
export function nameOf(work: () => unknown): string {
  try {
    work();
    return "none";
  } catch (error) {
    return (error as Error).name;
  }
}
