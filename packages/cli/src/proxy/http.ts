import { CliError } from "../cli-error.ts";

/** Milliseconds until an answer must be there. */
const TIMEOUT = 10_000;

export interface Asked {
  readonly method?: "GET" | "POST";
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
}

/** What `http://ADDRESS/PATH` answers. Whatever else comes than an answer of status 200 is an `unreadable`. */
export async function askHttp(address: string, path: string, { method = "GET", token }: Asked = {}): Promise<string> {
  const url = `http://${address}${path}`;
  let response: Response;
  let text: string;
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    response = await fetch(url, { method, headers, signal: AbortSignal.timeout(TIMEOUT) });
    text = await response.text();
  } catch (error) {
    const { cause, message } = error as Error;
    throw new CliError("unreadable", `${url} cannot be read: ${cause instanceof Error ? cause.message : message}`, {
      cause: error,
    });
  }
  if (response.status !== 200)
    throw new CliError("unreadable", `${url} answers ${response.status}: ${text.trim().slice(0, 2000)}`);
  return text;
}

export function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError("unreadable", `${from} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
