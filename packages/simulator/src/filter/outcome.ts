/** An answer that the proxy gives itself. */
export interface LocalReply {
  readonly status: number;
  readonly grpcStatus?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What gave it: `fault`, `rbac`, `cors`, `jwt`, `direct response`, `redirect`, `no route`, … */
  readonly by: string;
  /** The policy or rule, where there is a name. */
  readonly rule?: string;
}

/** What a filter does with the requests that reach it: answers a share itself, lets the rest on. */
export interface FilterOutcome {
  readonly reply?: LocalReply;
  /** Of the requests that reached it, those answered. 1 when there is a reply and nothing is said. */
  readonly replyShare?: number;
  readonly delay?: { readonly duration: string; readonly share: number };
  /** Dynamic metadata it sets, by filter name. */
  readonly metadata?: ReadonlyMap<string, unknown>;
}

export const PASS: FilterOutcome = {};
