import { request } from "node:https";
import { CaError } from "../error.ts";

const MAX_BYTES = 1024 * 1024;

/** One call: a method and a path, what goes along, and the JSON object that comes back. Rejects with REQUEST_FAILED. */
export type JsonCall = (
  method: "GET" | "POST",
  path: string,
  request: {
    readonly body?: object;
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
  },
) => Promise<Record<string, unknown>>;

/** JSON over HTTPS to a server whose certificate is checked against pinned `roots` (PEM). Throws OPTION_INVALID for what is not https. */
export function httpsJson(server: {
  readonly url: string;
  readonly roots: string;
  /** Default 10000. */
  readonly timeoutMs?: number;
}): JsonCall {
  const { timeoutMs = 10_000 } = server;
  const base = URL.parse(server.url);
  if (base?.protocol !== "https:") throw new CaError("OPTION_INVALID", `${server.url} is not an https URL`);
  return (method, path, { body, headers = {}, signal }) =>
    new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown) =>
        reject(new CaError("REQUEST_FAILED", `${base.host}${path}: ${why}`, { cause }));
      const type = body ? { "content-type": "application/json" } : {};
      const sent = request(
        new URL(path, base),
        {
          ...{ method, ca: server.roots, agent: false, timeout: timeoutMs, signal },
          headers: { accept: "application/json", ...type, ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BYTES) sent.destroy(new Error(`more than ${MAX_BYTES} bytes`));
            else chunks.push(chunk);
          });
          response.on("error", (error) => fail(error.message, error));
          response.on("end", () => {
            const { statusCode = 0 } = response;
            const text = Buffer.concat(chunks).toString("utf8");
            if (statusCode < 200 || statusCode > 299) return fail(`answered ${statusCode}: ${text.slice(0, 300)}`);
            try {
              resolve(JSON.parse(text));
            } catch (error) {
              fail("answered with what is not JSON", error);
            }
          });
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)));
      sent.on("error", (error) => fail(error.message, error));
      sent.end(body && JSON.stringify(body));
    });
}
