import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buildPage } from "./build.ts";

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/style.css": ["style.css", "text/css"],
  "/dist/page.js": ["dist/page.js", "text/javascript"],
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

/** Builds the page and serves it on 127.0.0.1. Whoever starts it closes it. */
export async function servePlayground(port = 0): Promise<{ readonly url: string; close(): Promise<void> }> {
  await buildPage();
  const server = createServer(async (request, response) => {
    const [file, type] = FILES[request.url ?? ""] ?? [];
    if (file === undefined) response.writeHead(404).end();
    else {
      response.writeHead(200, { "content-type": type, "content-security-policy": POLICY });
      response.end(await readFile(join(import.meta.dirname, file)));
    }
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

if (import.meta.main) console.log(`The playground is at ${(await servePlayground(8080)).url}`);
