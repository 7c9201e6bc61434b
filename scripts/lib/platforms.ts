/** The platforms that a release has a library for, as `${process.platform}-${process.arch}`. */
export const platforms = [
  "darwin-arm64",
  "darwin-x64",
  "linux-arm64",
  "linux-x64",
  "win32-arm64",
  "win32-x64",
] as const;
