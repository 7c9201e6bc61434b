import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { run } from "../../lib/run.ts";
import { script } from "./script.ts";

/** A registry on this machine that has our npm packages, and sends to the real one for others. */
export interface NpmRegistry extends AsyncDisposable {
  readonly url: string;
  /** The path of the packed package, the first one. */
  readonly tarball: string;
}

/** What the registry knows of a package. */
interface Packed {
  tarball: string;
  bytes: Uint8Array<ArrayBuffer>;
  json: { name: string; version: string };
}

/**
 * Packs the packages and serves them.
 *
 * @param npm the folder of the package, or of several.
 * @param folder where the tarballs are put.
 */
export async function npmRegistry(npm: string | string[], folder: string): Promise<NpmRegistry> {
  const packages = await Promise.all([npm].flat().map((npm) => pack(npm, folder)));
  const { output: real } = await run([script("npm"), "config", "get", "registry"]);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { origin, pathname } = new URL(url);
    for (const { tarball, bytes, json } of packages) {
      const { name, version } = json;
      const path = `/${name}/-/${basename(tarball)}`;
      if (pathname === path) return new Response(bytes);
      if (pathname !== `/${name}`) continue;
      const hash = (algorithm: string, encoding: "hex" | "base64") =>
        createHash(algorithm).update(Buffer.from(bytes)).digest(encoding);
      const dist = {
        tarball: `${origin}${path}`,
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
    }
    return Response.redirect(new URL(pathname.slice(1), real.trim()));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    tarball: packages[0]!.tarball,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function pack(npm: string, folder: string): Promise<Packed> {
  const { ok, output } = await run([script("npm"), "pack", npm], { cwd: folder });
  if (!ok) throw new Error(output);
  const json = JSON.parse(await Deno.readTextFile(`${npm}/package.json`));
  const tarball = `${folder}/${json.name}-${json.version}.tgz`;
  return { tarball, bytes: await Deno.readFile(tarball), json };
}
