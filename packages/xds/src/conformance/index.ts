import { CHECKS } from "./checks.ts";
import { NotApplicable, Talk, type TalkOptions, Violation } from "./talk.ts";

/** How a server did in one check. */
export interface Verdict {
  readonly check: string;
  /** The section of Envoy's document `xds_protocol` that asks for it. */
  readonly source: string;
  readonly mode: "sotw" | "delta";
  readonly outcome: "holds" | "violated" | "not-applicable";
  /** What the server did, or why it cannot be told; empty where it holds. */
  readonly detail: string;
}

export interface ConformanceOptions extends TalkOptions {
  /** Default: both. */
  readonly modes?: readonly Verdict["mode"][];
}

/**
 * Holds a discovery server, of any control plane and in any language, against the xDS protocol: subscriptions, acknowledgements and
 * rejections, nonces, unknown names, reconnects, and the order in which types come. It is asked over the aggregated service as an
 * Envoy with the given node would ask; every check opens streams of its own and closes them. The server should have two clusters with
 * endpoints by EDS and a listener with routes by RDS: what cannot be told without them is `not-applicable`.
 */
export async function checkDiscoveryServer(options: ConformanceOptions): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const mode of options.modes ?? (["sotw", "delta"] as const))
    for (const { name, source, modes, run } of CHECKS) {
      if (modes && !modes.includes(mode)) continue;
      const verdict = { check: name, source, mode };
      try {
        await run(() => new Talk(mode, options));
        verdicts.push({ ...verdict, outcome: "holds", detail: "" });
      } catch (error) {
        if (!(error instanceof Violation || error instanceof NotApplicable)) throw error;
        const outcome = error instanceof Violation ? "violated" : "not-applicable";
        verdicts.push({ ...verdict, outcome, detail: error.message });
      }
    }
  return verdicts;
}
