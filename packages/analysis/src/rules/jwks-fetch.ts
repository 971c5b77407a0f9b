import { at, records, text } from "../json.ts";
import type { Rule } from "../rule.ts";

/** With RequestAuthentications, istiod fetches key sets from URLs that users choose: networks should be blocked. */
export const jwksFetch: Rule = {
  name: "authentication/jwks-fetch",
  codes: ["IST0175"],
  kinds: ["Deployment"],
  check({ labels, spec }, report, world) {
    if (labels.app !== "istiod") return;
    const policies = world.all("RequestAuthentication");
    if (policies.length === 0) return;
    const blocks = records(at(spec, "template", "spec", "containers"))
      .flatMap(({ env }) => records(env))
      .some(({ name, value }) => name === "BLOCKED_CIDRS_IN_JWKS_URIS" && text(value) !== "");
    if (!blocks)
      report(
        "IST0175",
        `fetches the key sets of ${policies.length} RequestAuthentications from any address: set BLOCKED_CIDRS_IN_JWKS_URIS`,
      );
  },
};
