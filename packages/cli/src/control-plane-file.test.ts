import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../test/captured.ts";
import { readControlPlaneFile } from "./control-plane-file.ts";

describe("the settings of a control plane", () => {
  it("are read, and files are looked for beside them", async () => {
    await using folder = await folderOf({
      "etc/plane.yaml": `kubernetes: { kubeconfig: kubeconfig }
authenticators:
  kubernetes: {}
  jwt: [{ issuer: "https://issuer", audiences: [a], roots: issuer.pem }]
  xfcc: { trustedCidrs: [10.1.0.0/16, "::1/128"] }
jwks: { roots: /etc/roots.pem }
debug: { tokenFile: ../token }
`,
      "empty.yaml": "",
    });
    expect(await readControlPlaneFile(folder.at("etc", "plane.yaml"))).toEqual({
      kubernetes: { kubeconfig: folder.at("etc", "kubeconfig") },
      authenticators: {
        kubernetes: {},
        jwt: [{ issuer: "https://issuer", audiences: ["a"], roots: folder.at("etc", "issuer.pem") }],
        xfcc: { trustedCidrs: ["10.1.0.0/16", "::1/128"] },
      },
      jwks: { roots: "/etc/roots.pem" },
      debug: { tokenFile: folder.at("token") },
    });
    expect(await readControlPlaneFile(folder.at("empty.yaml"))).toEqual({});
  });

  it("tell all that is wrong with them, each with its place", async () => {
    await using folder = await folderOf({
      "plane.yaml": `authenticators:
  kubernetes: { audience: [x] }
  jwt:
  - issuer: http://issuer.example.com
    audiences: []
  xfcc: { trustedCidrs: [10.0.0.0/99] }
compliancePolicy: fips
discovery: { maxStreamsPerSecond: -1 }
certificates: { subordinates: ["spiffe://A/b"], rateLimits: { perCaller: { perSecond: 5 } } }
debug: { tokenFile: 5 }
nonsense: 1
`,
    });
    const path = folder.at("plane.yaml");
    const error = (await readControlPlaneFile(path).catch((caught: unknown) => caught)) as Error;
    const told = error.message.split("\n").map((line) => /^\d+:\d+: [^:]+/.exec(line.replace(`${path}:`, ""))?.[0]);
    expect(error).toMatchObject({ name: "CliError", code: "unreadable" });
    expect(told).toEqual([
      "2:17: authenticators.kubernetes.audience",
      "4:5: authenticators.jwt[0].issuer",
      "5:5: authenticators.jwt[0].audiences",
      "6:26: authenticators.xfcc.trustedCidrs[0]",
      "7:1: compliancePolicy",
      "8:14: discovery.maxStreamsPerSecond",
      "9:32: certificates.subordinates[0]",
      "9:63: certificates.rateLimits.perCaller.burst",
      "10:10: debug.tokenFile",
      "11:1: nonsense",
    ]);
    expect(error.message).not.toMatch(/\[\w+_\w+\]/);
  });

  it.each([
    ["no YAML", "a: [1\nb: 2", /plane\.yaml:2:1: /],
    ["a list", "[1]", /plane\.yaml:1:1: .*expected object/],
  ])("that are %s", async (_, text, message) => {
    await using folder = await folderOf({ "plane.yaml": text });
    await expect(readControlPlaneFile(folder.at("plane.yaml"))).rejects.toThrow(message);
  });

  it("that are for what the call does not ask for are refused, all at once", async () => {
    await using folder = await folderOf({
      "mesh.yaml": "",
      "plane.yaml": `certificates: { rateLimits: {} }
debug: { tokenFile: t }
minTlsVersion: TLSv1.2
discovery: { serverNames: [a] }
kubernetes: { distributeRoots: true }
`,
    });
    const words = ["serve", "-f", folder.at("mesh.yaml"), "--ads", "127.0.0.1:0"];
    const { code, err } = await fairlead(...words, "--control-plane-config", folder.at("plane.yaml"));
    expect(code).toBe(2);
    for (const option of ["certificates", "http", "ca"]) expect(err).toContain(`without --${option}`);
    expect(err).toContain("kubernetes.distributeRoots has no effect");
  });
});
