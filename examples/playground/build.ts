import { join } from "node:path";
import { build } from "rolldown";

const folder = import.meta.dirname;

/** Bundles the page and the packages it runs to one module, `dist/page.js`. */
export async function buildPage(): Promise<void> {
  await build({
    input: join(folder, "page.ts"),
    platform: "browser",
    output: { file: join(folder, "dist/page.js"), format: "esm", minify: true },
    // What the bundler cannot find or must leave out would fail in the page only.
    onLog(level, log, handle) {
      if (level === "warn") throw new Error(log.message);
      handle(level, log);
    },
  });
}
