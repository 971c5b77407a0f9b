import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const MESH = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {clusterIP: 10.1.0.2, selector: {app: reviews}, ports: [{name: http, port: 9080, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: reviews-v1-1, labels: {app: reviews, version: v1}}
spec: {serviceAccountName: bookinfo}
status: {podIP: 10.2.0.3, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: v1}}]}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: strict, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: reviews}
spec: {selector: {matchLabels: {app: reviews}}, portLevelMtls: {8080: {mode: PERMISSIVE}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: nothing}
spec: {}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: other}
spec: {selector: {matchLabels: {app: ratings}}}
`;

describe("describe workload", () => {
  it("tells identity, services, the mode of each port and the policies that hold, with their places", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const words = ["describe", "workload", "-f", folder.at("mesh.yaml"), "reviews.default"];
    const { code, out } = await fairlead(...words, "-o", "json");
    expect(code).toBe(0);
    const file = folder.at("mesh.yaml");
    expect(JSON.parse(out)).toMatchObject({
      type: "sidecar",
      identity: "spiffe://cluster.local/ns/default/sa/bookinfo",
      addresses: ["10.2.0.3"],
      services: [
        {
          service: "reviews.default.svc.cluster.local",
          port: 9080,
          targetPort: 8080,
          protocol: "HTTP",
          mutualTls: "PERMISSIVE",
        },
      ],
      mutualTls: {
        mode: "STRICT",
        from: ["PeerAuthentication istio-system/strict", "PeerAuthentication default/reviews"],
      },
      policies: [
        { resource: "AuthorizationPolicy default/nothing", says: "ALLOW, allows nothing", file, line: 32 },
        { resource: "PeerAuthentication istio-system/strict", says: "STRICT", file, line: 22 },
        { resource: "PeerAuthentication default/reviews", says: "UNSET", file, line: 27 },
      ],
    });
    expect((await fairlead(...words)).out).toContain("AuthorizationPolicy default/nothing     ALLOW, allows nothing  ");
  });

  it("of a workload that is not there is refused with names that are", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, err } = await fairlead("describe", "workload", "-f", folder.at("mesh.yaml"), "review.default");
    expect(code).toBe(2);
    expect(err).toContain("reviews.default");
  });
});

describe("describe service", () => {
  it("tells endpoints, subsets and the rules for the host", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const words = ["describe", "service", "-f", folder.at("mesh.yaml"), "reviews.default"];
    const { code, out } = await fairlead(...words, "-o", "json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      service: "reviews.default.svc.cluster.local",
      from: "Service default/reviews",
      addresses: ["10.1.0.2"],
      ports: [{ port: 9080, name: "http", protocol: "HTTP" }],
      endpoints: [{ address: "10.2.0.3", health: "healthy", mutualTls: true }],
      destinationRule: {
        resources: ["DestinationRule default/reviews"],
        tls: "ISTIO_MUTUAL",
        subsets: [
          { name: "v1", endpoints: 1 },
          { name: "v2", endpoints: 0 },
        ],
      },
      virtualServices: [{ resource: "VirtualService default/reviews", gateways: ["mesh"], rules: 1, line: 17 }],
    });
    expect((await fairlead(...words)).out).toContain("v1 (1 endpoints), v2 (0 endpoints)");
  });

  it("of a host that is not there is refused with those that are", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, err } = await fairlead("describe", "service", "-f", folder.at("mesh.yaml"), "ratings.default");
    expect(code).toBe(2);
    expect(err).toContain("reviews.default.svc.cluster.local");
  });
});
