import type { SecretSource } from "@fairlead/model";
import { CaError } from "../error.ts";

export interface SdsListener {
  /** As given: `unix:/path`. */
  readonly address: string;
  close(): Promise<void>;
}

export async function listenSds(
  address: string,
  _source: SecretSource,
  _names: readonly string[],
): Promise<SdsListener> {
  throw new CaError("OPTION_INVALID", `not yet: ${address}`);
}
