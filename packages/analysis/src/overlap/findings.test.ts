import { parseDocuments } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { describe, expect, it } from "vitest";
import { analyzeExtra } from "../extra.ts";

function find(text: string) {
  const { documents, diagnostics } = parseDocuments(text, { file: "mesh.yaml" });
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const mesh = Mesh.of({ meshConfig: {}, config: documents.flatMap(({ object }) => object ?? []) });
  return analyzeExtra(mesh, documents);
}

const said = (text: string) =>
  find(text).map(({ code, object, path, message }) => `${code} ${object?.name} ${path}: ${message}`);

/** A VirtualService whose rules lead to clusters of their own; each text is what a rule matches. */
const service = (rules: readonly string[], { name = "vs", gateways = "[mesh]", more = "", created = "" } = {}) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop${created && `, creationTimestamp: "${created}"`}}
spec:
  hosts: [shop.example.com]
  gateways: ${gateways}
  ${more}
  http:
${rules.map((match, index) => `  - {match: [${match}], route: [{destination: {host: ${name}-${index}.example.com}}]}`).join("\n")}
---`;

describe("rules of one VirtualService that no request reaches (FL0010)", () => {
  it.each<[string, string[]]>([
    ["a longer prefix", ["{uri: {prefix: /api}}", "{uri: {prefix: /api/v1}}"]],
    ["an exact path below a prefix", ["{uri: {prefix: /api}}", "{uri: {exact: /api/v1}}"]],
    ["a path that an expression matches", ["{uri: {regex: '/user/[0-9]+'}}", "{uri: {exact: /user/42}}"]],
    ["an expression within another", ["{uri: {regex: '/(a|b)/.*'}}", "{uri: {regex: '/a/[a-z]*'}}"]],
    ["an expression within a prefix", ["{uri: {prefix: /a}}", "{uri: {regex: '/a[0-9]+'}}"]],
    ["what differs in case only", ["{uri: {prefix: /api}, ignoreUriCase: true}", "{uri: {exact: /API}}"]],
    ["a header more", ["{uri: {prefix: /a}}", "{uri: {prefix: /a}, headers: {x: {exact: z}}}"]],
    ["a header of the same name in other case", ["{headers: {X-A: {prefix: a}}}", "{headers: {x-a: {exact: ab}}}"]],
    ["a method", ["{method: {regex: 'GET|HEAD'}}", "{method: {exact: GET}, uri: {prefix: /x}}"]],
    ["a missing header", ["{withoutHeaders: {x: {prefix: a}}}", "{withoutHeaders: {x: {}}}"]],
    ["fewer clients", ["{sourceLabels: {app: a}}", "{sourceLabels: {app: a, version: v1}}"]],
    ["a port", ["{uri: {prefix: /}}", "{port: 8080}"]],
    ["a query parameter", ["{queryParams: {q: {regex: 'a.*'}}}", "{queryParams: {q: {exact: abc}}}"]],
  ])("%s", (_, rules) => {
    expect(said(service(rules))).toEqual([
      expect.stringMatching(
        /^FL0010 vs spec\.http\[1\]: is never reached: spec\.http\[0\] \(mesh\.yaml:10\) takes all its requests$/,
      ),
    ]);
  });

  it.each<[string, string[]]>([
    ["with and without a header", ["{headers: {x: {}}}", "{withoutHeaders: {x: {}}}", "{uri: {prefix: /a}}"]],
    ["both schemes", ["{scheme: {exact: http}}", "{scheme: {exact: https}}", "{uri: {prefix: /a}}"]],
    [
      "texts that begin with a or not",
      ["{headers: {x: {prefix: a}}}", "{headers: {x: {regex: '[^a].*|'}}}", "{headers: {x: {}}}"],
    ],
  ])("%s: two rules together", (_, rules) => {
    const found = said(service(rules)).filter((text) => text.startsWith("FL0010"));
    expect(found).toEqual([expect.stringMatching(/http\[0\] .*, spec\.http\[1\] .* together take all/)]);
  });

  it.each<[string, string[]]>([
    ["a rule for other clients", ["{sourceLabels: {app: a}}", "{uri: {prefix: /}}"]],
    ["a rule at one gateway", ["{gateways: [mesh]}", "{uri: {prefix: /}}"]],
    ["the special case first", ["{uri: {prefix: /api/v1}}", "{uri: {prefix: /api}}"]],
    ["the same length", ["{uri: {prefix: /a}}", "{uri: {prefix: /b}}"]],
    ["an expression that cannot be decided", ["{uri: {regex: '/a\\b.*'}}", "{uri: {exact: /a}}"]],
  ])("not for %s", (_, rules) => {
    expect(said(service(rules, { gateways: "[mesh, gate]" }))).toEqual([]);
  });

  it("one match of several", () => {
    expect(said(service(["{uri: {prefix: /api}}", "{uri: {exact: /api/v1}}, {uri: {exact: /b}}"]))).toEqual([
      expect.stringMatching(/^FL0010 vs spec\.http\[1\]\.match\[0\]: is never the first to match: spec\.http\[0\]/),
    ]);
  });

  it("a match that contradicts itself", () => {
    expect(
      said(service(["{uri: {exact: no-slash}}", "{method: {exact: GET}, headers: {':method': {exact: PUT}}}"])),
    ).toEqual([
      "FL0010 vs spec.http[0].match[0]: matches no request: nothing can satisfy what it asks of the path",
      "FL0010 vs spec.http[1].match[0]: matches no request: nothing can satisfy what it asks of the method",
    ]);
  });
});

describe("rules whose order alone decides (FL0011)", () => {
  it("names a request that both match", () => {
    const rules = [
      "{headers: {user: {exact: jason}}, method: {exact: POST}}",
      "{uri: {prefix: /api}, queryParams: {v: {prefix: '2'}}}",
    ];
    expect(find(service(rules))).toMatchObject([
      {
        code: "FL0011",
        severity: "info",
        path: "spec.http[1]",
        position: { file: "mesh.yaml", line: 11 },
        message:
          'shares requests with spec.http[0] (mesh.yaml:10), which gets them because it is earlier; such as POST http://shop.example.com/api?v=2, header user: "jason"',
      },
    ]);
  });

  it("not where both do the same, nor where an even earlier rule has these requests", () => {
    const same = service(["{headers: {x: {}}}", "{uri: {prefix: /a}}"]).replace("vs-1.", "vs-0.");
    expect(said(same)).toEqual([]);
    const found = said(service(["{headers: {x: {}}, uri: {prefix: /a}}", "{headers: {x: {}}}", "{uri: {prefix: /a}}"]));
    expect(found).toEqual([]);
  });
});

describe("VirtualServices of one host at a gateway", () => {
  const gate = (host = "'*'") => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gate, namespace: shop}
spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [${host}]}]}
---`;
  const old = service(["{uri: {prefix: /api}}", "{uri: {prefix: /}}"], {
    name: "old",
    gateways: "[gate]",
    created: "2020-01-01T00:00:00Z",
  });
  const young = service(["{uri: {prefix: /api/v1}}", "{uri: {prefix: /other}}", "{uri: {prefix: /}}"], {
    name: "young",
    gateways: "[gate]",
    created: "2021-01-01T00:00:00Z",
  });

  it("the older goes first, what takes everything last", () => {
    const at = "at gateway shop/gate for host shop.example.com";
    expect(said(gate() + young + old)).toEqual([
      `FL0010 young spec.http[0]: is never reached ${at}: VirtualService shop/old spec.http[0] (mesh.yaml:27) takes all its requests`,
      `FL0010 young spec.http[2]: is never reached ${at}: VirtualService shop/old spec.http[1] (mesh.yaml:28) takes all its requests`,
    ]);
  });

  it("not where the gateway may leave one out", () => {
    expect(said(gate("other/*") + young + old)).toEqual([]);
    expect(said(young + old)).toEqual([]);
    expect(said(gate() + young + old.replace("http:", "exportTo: ['.']\n  http:"))).toEqual([]);
  });
});

describe("a host that two VirtualServices claim in the mesh (FL0012)", () => {
  const old = service(["{uri: {prefix: /a}}"], { name: "old", created: "2020-01-01T00:00:00Z" });

  it("the older has it; says what of the younger is lost and what stays", () => {
    const young = service(["{uri: {prefix: /b}}"], {
      name: "young",
      gateways: "[gate, mesh]",
      created: "2021-01-01T00:00:00Z",
    });
    expect(said(young + old)).toEqual([
      "FL0012 young spec.hosts[0]: shop.example.com in the mesh is that of the older VirtualService shop/old (mesh.yaml:16); the rules here (1 http) have no effect for it, only at gateway shop/gate",
    ]);
  });

  it("not where not everybody sees both", () => {
    const young = service(["{uri: {prefix: /b}}"], { name: "young", more: "exportTo: ['.']" });
    expect(said(young + old)).toEqual([]);
  });
});

describe("rules for TLS and TCP", () => {
  const connections = (
    kind: "tls" | "tcp",
    rules: readonly string[],
    { name = "vs", gateways = "[mesh, gate]", created = "" } = {},
  ) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop${created && `, creationTimestamp: "${created}"`}}
spec:
  hosts: ['*.example.com']
  gateways: ${gateways}
  ${kind}:
${rules.map((match, index) => `  - {match: [${match}], route: [{destination: {host: ${name}-${index}.example.com}}]}`).join("\n")}
---`;

  it.each<[string, "tls" | "tcp", string[]]>([
    ["the same name", "tls", ["{sniHosts: [a.example.com]}", "{sniHosts: [A.example.com]}"]],
    ["one of two names", "tls", ["{sniHosts: [a.example.com, b.example.com]}", "{sniHosts: [b.example.com]}"]],
    ["fewer clients", "tls", ["{sniHosts: [a.example.com]}", "{sniHosts: [a.example.com], sourceLabels: {app: a}}"]],
    ["a port", "tls", ["{sniHosts: [a.example.com]}", "{sniHosts: [a.example.com], port: 443}"]],
    [
      "the same subnet, written otherwise",
      "tcp",
      ["{destinationSubnets: [10.0.0.0/8]}", "{destinationSubnets: [10.1.2.3/8]}"],
    ],
    ["any subnet after all addresses", "tcp", ["{port: 27017}", "{port: 27017, destinationSubnets: [10.0.0.0/8]}"]],
  ])("unreachable: %s", (_, kind, rules) => {
    expect(said(connections(kind, rules))).toEqual([
      `FL0010 vs spec.${kind}[1]: is never reached: spec.${kind}[0] (mesh.yaml:9) takes all its connections`,
    ]);
  });

  it.each<[string, "tls" | "tcp", string[]]>([
    ["a more specific name", "tls", ["{sniHosts: ['*.example.com']}", "{sniHosts: [a.example.com]}"]],
    ["a more specific subnet", "tcp", ["{destinationSubnets: [10.0.0.0/8]}", "{destinationSubnets: [10.1.0.0/16]}"]],
    ["other clients", "tls", ["{sniHosts: [a.example.com], sourceLabels: {app: a}}", "{sniHosts: [a.example.com]}"]],
    ["another gateway", "tcp", ["{gateways: [gate]}", "{gateways: [mesh]}"]],
    [
      "chosen addresses",
      "tls",
      ["{sniHosts: [a.example.com], destinationSubnets: [10.0.0.0/8]}", "{sniHosts: [a.example.com]}"],
    ],
  ])("not for %s", (_, kind, rules) => {
    expect(said(connections(kind, rules))).toEqual([]);
  });

  it("two rules together, and connections whose order alone decides", () => {
    const [b, c] = ["{sniHosts: [a.example.com], gateways: [mesh]}", "{sniHosts: [a.example.com], gateways: [gate]}"];
    expect(said(connections("tls", [b, c, "{sniHosts: [a.example.com]}"]))).toEqual([
      "FL0010 vs spec.tls[2]: is never reached: spec.tls[0] (mesh.yaml:9), spec.tls[1] (mesh.yaml:10) together take all its connections",
    ]);
    const rules = [
      "{sniHosts: [a.example.com, b.example.com]}",
      "{sniHosts: [b.example.com, c.example.com], port: 443}",
    ];
    expect(said(connections("tls", rules))).toEqual([
      "FL0011 vs spec.tls[1]: shares connections with spec.tls[0] (mesh.yaml:9), which gets them because it is earlier; such as a TLS connection for b.example.com, on port 443",
    ]);
  });

  it("in the mesh those of one host are joined, the older first", () => {
    const old = connections("tcp", ["{port: 27017}"], {
      name: "old",
      gateways: "[mesh]",
      created: "2020-01-01T00:00:00Z",
    });
    const young = connections("tcp", ["{port: 27017, sourceLabels: {app: a}}", "{port: 3306}"], {
      name: "young",
      gateways: "[mesh]",
      created: "2021-01-01T00:00:00Z",
    });
    expect(said(young + old)).toEqual([
      "FL0010 young spec.tcp[0]: is never reached in the mesh for host *.example.com: VirtualService shop/old spec.tcp[0] (mesh.yaml:19) takes all its connections",
    ]);
  });
});

it("rules of a delegate are told at the delegate", () => {
  const text = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: shop}
spec:
  hosts: [shop.example.com]
  http:
  - {match: [{uri: {prefix: /api}}], route: [{destination: {host: a.example.com}}]}
  - {match: [{uri: {prefix: /}}], delegate: {name: leaf}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: leaf, namespace: shop}
spec:
  http:
  - {match: [{uri: {prefix: /other}}, {uri: {prefix: /api/v1}}], route: [{destination: {host: b.example.com}}]}
  - {match: [{uri: {prefix: /api/v2}}], route: [{destination: {host: b.example.com}}]}
`;
  const by = "VirtualService shop/root spec.http[0] (mesh.yaml:8) takes all its requests";
  expect(said(text)).toEqual([
    `FL0010 leaf spec.http[0]: is never the first to match: ${by}`,
    `FL0010 leaf spec.http[1]: is never reached: ${by}`,
  ]);
});
