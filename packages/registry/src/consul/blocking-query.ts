import { RegistryError } from "../registry-error.ts";

export interface ConsulConnection {
  readonly url: URL;
  readonly token: string | undefined;
  readonly datacenter: string | undefined;
  /** Seconds that a query may block. */
  readonly waitSeconds: number;
  readonly maxBodyBytes: number;
  readonly fetch: typeof fetch;
}

/**
 * One blocking query: answers when something newer than `index` is known, or after the wait. The index to go on from is 0
 * when Consul's went backwards. Source: Consul HTTP API, "Blocking Queries".
 */
export async function blockingQuery(
  connection: ConsulConnection,
  path: string,
  index: number,
  signal: AbortSignal,
): Promise<{ readonly body: unknown; readonly index: number }> {
  const { token, datacenter, waitSeconds, maxBodyBytes } = connection;
  const url = new URL(connection.url.pathname.replace(/\/$/, "") + path, connection.url);
  if (index > 0) url.search = `index=${index}&wait=${waitSeconds}s`;
  if (datacenter !== undefined) url.searchParams.set("dc", datacenter);
  // Consul adds up to a sixteenth of the wait.
  const limit = AbortSignal.timeout(Math.ceil((waitSeconds * 17) / 16) * 1000 + 10_000);
  const headers = token === undefined ? {} : { "x-consul-token": token };
  let response: Response;
  let text: string;
  try {
    response = await connection.fetch(url, { headers, signal: AbortSignal.any([signal, limit]) });
    text = await readText(response, maxBodyBytes);
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    throw new RegistryError("unreachable", `${url.origin}${url.pathname}: ${reasonOf(cause)}`, { cause });
  }
  if (!response.ok)
    throw new RegistryError("bad-response", `${url.pathname}: status ${response.status} ${text.slice(0, 200)}`);
  const next = Number(response.headers.get("x-consul-index"));
  if (!Number.isInteger(next) || next < 1)
    throw new RegistryError("bad-response", `${url.pathname}: no X-Consul-Index of 1 or more`);
  try {
    return { body: JSON.parse(text) as unknown, index: next < index ? 0 : next };
  } catch (cause) {
    throw new RegistryError("bad-response", `${url.pathname}: the answer is not JSON`, { cause });
  }
}

async function readText(response: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > limit) throw new RegistryError("bad-response", `the answer is longer than ${limit} bytes`);
  }
  return text + decoder.decode();
}

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
