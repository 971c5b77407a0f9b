import { request } from "node:https";
import { bodyOf } from "./body.ts";
import { CaError } from "./error.ts";

const MAX_BYTES = 1024 * 1024;

export interface HttpsServer {
  /** `https://HOST:PORT`. */
  readonly url: string;
  /** Roots that its certificate is checked against, PEM: pinned. */
  readonly roots: string;
  /** Default 10000. */
  readonly timeoutMs?: number;
}

export interface JsonRequest {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What a server answers: its status, and the JSON object of the body; an empty one where there is none. */
export interface JsonAnswer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
  /** Of the body, for messages. */
  readonly text: string;
}

/** One call; rejects with REQUEST_FAILED where nothing comes, or no JSON. */
export type JsonCall = (method: string, path: string, request?: JsonRequest) => Promise<JsonAnswer>;

/** JSON over HTTPS to one server. Throws OPTION_INVALID for what is not https. */
export function httpsJson({ url, roots, timeoutMs = 10_000 }: HttpsServer): JsonCall {
  const base = URL.parse(url);
  if (base?.protocol !== "https:") throw new CaError("OPTION_INVALID", `${url} is not an https URL`);
  return (method, path, { body, headers = {}, signal } = {}) =>
    new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown) =>
        reject(new CaError("REQUEST_FAILED", `${base.host}${path}: ${why}`, { cause }));
      const type = body ? { "content-type": "application/json" } : {};
      const sent = request(
        new URL(path, base),
        {
          ...{ method, ca: roots, agent: false, timeout: timeoutMs, ...(signal ? { signal } : {}) },
          headers: { accept: "application/json", ...type, ...headers },
        },
        (response) => {
          bodyOf(response, MAX_BYTES).then(
            (body) => {
              const { statusCode: status = 0 } = response;
              const text = body.toString("utf8");
              const good = status >= 200 && status < 300;
              try {
                resolve({ status, text: text.slice(0, 300), json: text === "" ? {} : JSON.parse(text) });
              } catch (error) {
                if (good) fail("answered with what is not JSON", error);
                else resolve({ status, text: text.slice(0, 300), json: {} });
              }
            },
            (error: Error) => fail(error.message, error),
          );
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)));
      sent.on("error", (error) => fail(error.message, error));
      sent.end(body && JSON.stringify(body));
    });
}

/** The body of a good answer. Throws REQUEST_FAILED with what another says. */
export function goodAnswer(what: string, { status, json, text }: JsonAnswer): JsonAnswer["json"] {
  if (status >= 200 && status < 300) return json;
  throw new CaError("REQUEST_FAILED", `${what} answered ${status}: ${text}`);
}
