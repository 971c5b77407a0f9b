import { describe, expect, it } from "vitest";
import { refuseForeignNode } from "./identity.ts";

const node = {
  id: "sidecar~10.0.0.1~reviews-v1.default~default.svc.cluster.local",
  metadata: { SERVICE_ACCOUNT: "reviews" },
};
const tls = (...identities: string[]) => ({ transport: "tls" as const, identities });

describe("refuseForeignNode", () => {
  it.each([
    ["its own certificate", ["spiffe://cluster.local/ns/default/sa/reviews"], undefined],
    [
      "another namespace",
      ["spiffe://cluster.local/ns/other/sa/reviews"],
      "claims namespace default, its certificate says other",
    ],
    ["another service account", ["spiffe://cluster.local/ns/default/sa/ratings"], "claims service account reviews"],
    ["another trust domain", ["spiffe://elsewhere/ns/default/sa/reviews"], "is not of trust domain cluster.local"],
    ["no identity", [], "does not carry exactly one SPIFFE ID"],
    [
      "two identities",
      ["spiffe://cluster.local/ns/default/sa/reviews", "spiffe://cluster.local/ns/a/sa/b"],
      "exactly one",
    ],
    ["an ID of another form", ["spiffe://cluster.local/reviews"], "names no namespace"],
    ["no SPIFFE ID", ["https://example.com"], "does not start with spiffe://"],
  ])("%s", (_, identities, reason) => {
    const refusal = refuseForeignNode(tls(...identities), node, ["cluster.local"]);
    if (reason === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toContain(reason);
  });

  it("believes what comes over plaintext and Unix sockets", () => {
    expect(refuseForeignNode({ transport: "plaintext", identities: [] }, node, ["cluster.local"])).toBeUndefined();
    expect(refuseForeignNode({ transport: "unix", identities: [] }, node, ["cluster.local"])).toBeUndefined();
  });
});
