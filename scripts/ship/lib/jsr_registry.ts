import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import config from "../../../deno.json" with { type: "json" };

const root = new URL("../../../", import.meta.url);
const types: Record<string, string> = { ts: "text/typescript", js: "text/javascript" };

/** A JSR on this machine that has this package and no other. */
export interface JsrRegistry extends AsyncDisposable {
  /** For `$JSR_URL`. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: string[];
}

/**
 * Serves the files that would be published.
 *
 * @param files their paths in this project.
 */
export async function jsrRegistry(files: string[]): Promise<JsrRegistry> {
  const { name, version, exports } = config;
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const file of files) {
    const bytes = await Deno.readFile(new URL(file, root));
    contents.set(`/${name}/${version}/${file}`, bytes);
    const hash = createHash("sha256").update(Buffer.from(bytes)).digest("hex");
    manifest[`/${file}`] = { size: bytes.length, checksum: `sha256-${hash}` };
  }
  const [scope, packageName] = name.slice(1).split("/");
  // In the past, because the newest versions may be left out for some time.
  const createdAt = "2020-01-01T00:00:00.000Z";
  const answers: Record<string, unknown> = {
    [`/${name}/meta.json`]: {
      scope,
      name: packageName,
      latest: version,
      versions: { [version]: { createdAt } },
    },
    [`/${name}/${version}_meta.json`]: { manifest, exports },
  };
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    if (pathname in answers) return Response.json(answers[pathname]);
    const bytes = contents.get(pathname);
    if (bytes === undefined) return new Response("", { status: 404 });
    const type = types[pathname.split(".").at(-1)!] ?? "text/plain";
    return new Response(bytes, { headers: { "content-type": type } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
