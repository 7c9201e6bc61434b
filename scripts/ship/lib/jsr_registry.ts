import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { run } from "../../lib/run.ts";

const root = new URL("../../../", import.meta.url);
const types: Record<string, string> = { ts: "text/typescript", js: "text/javascript" };
// In the past, because the newest versions may be left out for some time.
const createdAt = "2020-01-01T00:00:00.000Z";
const published = /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)\/versions\/([^/]+)$/;

/** A JSR on this machine, which has what was published to it. */
export interface JsrRegistry extends AsyncDisposable {
  /** For `$JSR_URL`. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: string[];
  /**
   * Publishes a package of this project by `deno publish`, which rewrites what it imports.
   *
   * @param folder of the package, with a slash at the end; "" for the core.
   * @param flags for Deno.
   * @returns what failed.
   */
  publish(folder: string, flags: string[]): Promise<string | undefined>;
}

/** Starts one, empty. */
export function jsrRegistry(): JsrRegistry {
  const answers = new Map<string, unknown>();
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const [, scope, name, version] = published.exec(pathname) ?? [];
    if (request.method === "POST" && version !== undefined) {
      add(`/@${scope}/${name}`, version, filesIn(gunzipSync(await request.arrayBuffer())));
      return Response.json({ id: "1", status: "success", error: null });
    }
    // Every package exists, and no version of it does.
    if (/^\/api\//.test(pathname)) return Response.json({}, { status: version ? 404 : 200 });
    asked.push(pathname);
    if (answers.has(pathname)) return Response.json(answers.get(pathname));
    const bytes = contents.get(pathname);
    if (bytes === undefined) return new Response("", { status: 404 });
    const type = types[pathname.split(".").at(-1)!] ?? "text/plain";
    return new Response(bytes, { headers: { "content-type": type } });
  });
  const add = (name: string, version: string, files: Map<string, Uint8Array<ArrayBuffer>>) => {
    const manifest: Record<string, { size: number; checksum: string }> = {};
    for (const [file, bytes] of files) {
      contents.set(`${name}/${version}/${file}`, bytes);
      const hash = createHash("sha256").update(bytes).digest("hex");
      manifest[`/${file}`] = { size: bytes.length, checksum: `sha256-${hash}` };
    }
    const { exports } = JSON.parse(new TextDecoder().decode(files.get("deno.json")));
    const [scope, base] = name.slice(2).split("/");
    const versions = { [version]: { createdAt } };
    answers.set(`${name}/meta.json`, { scope, name: base, latest: version, versions });
    answers.set(`${name}/${version}_meta.json`, { manifest, exports });
  };
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return {
    url,
    asked,
    async publish(folder, flags) {
      const options = ["--allow-dirty", "--no-provenance", "--token=any"];
      const { ok, output } = await run([Deno.execPath(), "publish", ...options, ...flags], {
        cwd: new URL(folder, root),
        env: { JSR_URL: url },
        timeout: 300,
      });
      return ok ? undefined : output;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The files in an archive of tar(1) whose paths have less than 100 characters. */
function filesIn(tar: Uint8Array): Map<string, Uint8Array<ArrayBuffer>> {
  const block = 512;
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const bytes = Buffer.from(tar);
  for (let at = 0; bytes[at]!;) {
    const text = (start: number, end: number) =>
      bytes.toString("utf8", at + start, at + end).replace(/\0.*/s, "");
    const size = parseInt(text(124, 136), 8);
    const start = at + block;
    files.set(text(0, 100), new Uint8Array(bytes.subarray(start, start + size)));
    at = start + Math.ceil(size / block) * block;
  }
  return files;
}
