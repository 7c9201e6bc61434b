/**
 * What a runtime is to load to load this export of the package, such as "register".
 *
 * Deno imports nothing from JSR by its https address.
 *
 * @param here the address of this module.
 */
export function entry(name: string, here: string = import.meta.url): string {
  const jsr = /^https?:\/\/[^/]+\/(@[^/]+\/[^/]+)\/([^/]+)\//.exec(here);
  if (jsr) return `jsr:${jsr[1]}@${jsr[2]}/${name}`;
  return new URL(`../${name}${here.slice(-3)}`, here).href;
}
