import { CaError } from "@fairlead/ca";
import { type JoinTokens, joinTokens } from "@fairlead/ca/grpc";
import { parseSpiffeId } from "@fairlead/model";
import { CliError } from "./cli-error.ts";
import { readText } from "./input.ts";

/** Tokens of a file are there until they are spent; the service that reads it ends before. Seconds. */
const LIFE = 31_536_000;

/**
 * The join tokens of a file: one a line, `TOKEN SPIFFE_ID`, each good for one certificate; `many` after it for as many as are
 * asked for. Blank lines and `#` are passed over. What is wrong is said with its line, never with the token.
 */
export async function readJoinTokens(path: string): Promise<JoinTokens> {
  const tokens = joinTokens();
  const wrong: string[] = [];
  for (const [index, raw] of (await readText(path)).split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [token = "", id = "", uses = "once", ...more] = line.split(/\s+/);
    try {
      if (more.length > 0 || (uses !== "once" && uses !== "many")) throw new Error("is not TOKEN SPIFFE_ID [many]");
      tokens.add({ token, identity: parseSpiffeId(id), uses, ttlSeconds: LIFE });
    } catch (error) {
      const why = error instanceof CaError ? error.message : (error as Error).message;
      wrong.push(`${path}:${index + 1}: ${token.length >= 8 ? why.replaceAll(token, "…") : why}`);
    }
  }
  if (wrong.length > 0) throw new CliError("unreadable", wrong.join("\n"));
  return tokens;
}
