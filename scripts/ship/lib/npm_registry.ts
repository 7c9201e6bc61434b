import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { run } from "../../lib/run.ts";
import { script } from "./script.ts";

/** A registry on this machine that has the npm package and no other. */
export interface NpmRegistry extends AsyncDisposable {
  readonly url: string;
  /** The path of the packed package. */
  readonly tarball: string;
}

/**
 * Packs the package and serves it.
 *
 * @param npm the folder of the package.
 * @param folder where the tarball is put.
 */
export async function npmRegistry(npm: string, folder: string): Promise<NpmRegistry> {
  const { ok, output } = await run([script("npm"), "pack", npm], { cwd: folder });
  if (!ok) throw new Error(output);
  const json = JSON.parse(await Deno.readTextFile(`${npm}/package.json`));
  const { name, version } = json;
  const file = `${name}-${version}.tgz`;
  const bytes = await Deno.readFile(`${folder}/${file}`);
  const hash = (algorithm: string, encoding: "hex" | "base64") =>
    createHash(algorithm).update(Buffer.from(bytes)).digest(encoding);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { origin, pathname } = new URL(url);
    if (pathname === `/${name}/-/${file}`) return new Response(bytes);
    if (pathname !== `/${name}`) return new Response("", { status: 404 });
    const dist = {
      tarball: `${origin}/${name}/-/${file}`,
      shasum: hash("sha1", "hex"),
      integrity: `sha512-${hash("sha512", "base64")}`,
    };
    // Package managers refuse what is younger than some days.
    const date = "2020-01-01T00:00:00.000Z";
    return Response.json({
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { ...json, dist } },
      time: { created: date, modified: date, [version]: date },
    });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    tarball: `${folder}/${file}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
