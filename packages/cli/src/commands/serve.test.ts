import { writeFile } from "node:fs/promises";
import { connect } from "node:tls";
import { createDiscoveryClient } from "@fairlead/xds/client";
import { describe, expect, it } from "vitest";
import { begin, fairlead, folderOf, type RunningCommand } from "../../test/captured.ts";

const NODE = "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local";
const ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

const entry = (address: string) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: ${address}}]
`;

async function until<T>(what: () => T | undefined | false): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = what();
    if (found) return found;
    if (Date.now() > end) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A server that listens: its addresses. */
async function listening(command: RunningCommand): Promise<{ ads: string; http: string }> {
  await Promise.race([until(() => command.out() !== ""), command.result]);
  return JSON.parse(command.out());
}

describe("serve", () => {
  it("serves watched files, answers its pages, and ends when it is told to", async () => {
    await using folder = await folderOf({ "mesh/shop.yaml": entry("10.0.0.1") });
    const words = ["serve", "-f", folder.at("mesh"), "--ads", "127.0.0.1:0", "--http", "127.0.0.1:0", "-o", "json"];
    const command = begin(...words);
    const { ads, http } = await listening(command);
    expect(ads).toMatch(/^127\.0\.0\.1:\d+$/);
    const page = async (path: string) => {
      const answer = await fetch(`http://${http}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    expect(await page("/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await page("/readyz")).toEqual({ status: 200, text: "ok\n" });
    expect((await page("/metrics")).text).toContain("\nfairlead_xds_streams 0\n");

    const seen: string[] = [];
    using client = createDiscoveryClient({
      address: ads,
      node: { id: NODE },
      subscriptions: { [ENDPOINTS]: ["outbound|80||shop.example.com"] },
      onResources: ({ resources }) => void seen.push(...resources.map(({ json }) => JSON.stringify(json))),
    });
    await until(() => seen.at(-1)?.includes("10.0.0.1"));
    await writeFile(folder.at("mesh", "shop.yaml"), entry("10.0.0.2"));
    await until(() => seen.at(-1)?.includes("10.0.0.2"));

    // A broken edit is said with its place and changes nothing; a mended one is said too.
    await writeFile(folder.at("mesh", "shop.yaml"), `${entry("10.0.0.3")}  nonsense: 1\n`);
    await until(() => /shop\.yaml:10:3: error .*nonsense/.test(command.err()));
    expect(seen.at(-1)).toContain("10.0.0.2");
    await writeFile(folder.at("mesh", "shop.yaml"), entry("10.0.0.4"));
    await until(() => seen.at(-1)?.includes("10.0.0.4"));
    await until(() => /mended: .*shop\.yaml:10:3/.test(command.err()));

    expect(client.connected).toBe(true);
    const { status, text } = await page("/debug/proxies");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject([
      { node: { id: NODE }, mode: "delta", types: [{ shortName: "EDS", synced: true }] },
    ]);
    expect((await page("/metrics")).text).toMatch(
      /\nfairlead_xds_streams 1\n[\s\S]*fairlead_xds_acks_total\{type="EDS"\} \d/,
    );

    command.stop();
    const { code, out, err } = await command.result;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ ads, http });
    expect(err).toContain(`serving 1 services on ${ads}, pages on http://${http}\n`);
    expect(err).toContain(`${NODE} connected (delta)`);
    await expect(fetch(`http://${http}/healthz`)).rejects.toThrow();
  });

  it("with --ca serves over mutual TLS, for the trust domain of the mesh settings", async () => {
    await using folder = await folderOf({
      "mesh.yaml": entry("10.0.0.1"),
      "mesh-config.yaml": "trustDomain: shop.example\n",
    });
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example");
    const command = begin(
      ...["serve", "-f", folder.at("mesh.yaml"), "--ads", "127.0.0.1:0", "--ca", folder.at("pki")],
      ...["--mesh-config", folder.at("mesh-config.yaml"), "-o", "json"],
    );
    const { ads } = await listening(command);
    const port = Number(ads.slice(ads.lastIndexOf(":") + 1));
    const names = await new Promise<string | undefined>((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
        resolve(socket.getPeerCertificate().subjectaltname);
        socket.destroy();
      });
      socket.on("error", reject);
    });
    expect(names).toContain("URI:spiffe://shop.example/ns/istio-system/sa/istiod");
    expect(names).toContain("IP Address:127.0.0.1");
    command.stop();
    expect((await command.result).code).toBe(0);
  });

  it.each<[string, readonly string[], RegExp]>([
    ["plaintext off loopback without --insecure", ["--ads", "0.0.0.0:0"], /insecure.*needs --insecure/],
    ["a port that is none", ["--ads", "127.0.0.1:99999"], /listen-failed/],
    [
      "an authority of another trust domain",
      ["--ads", "127.0.0.1:0", "--ca", "pki"],
      /trust domain shop\.example, not cluster\.local/,
    ],
    ["mesh settings that are not there", ["--ads", "127.0.0.1:0", "--mesh-config", "none"], /cannot be read/],
  ])("%s: exit code 2, one JSON value", async (_, words, message) => {
    await using folder = await folderOf({ "mesh.yaml": entry("10.0.0.1") });
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example");
    const given = words.map((word) => (word === "pki" || word === "none" ? folder.at(word) : word));
    const { code, out, err } = await fairlead("serve", "-f", folder.at("mesh.yaml"), ...given, "-o", "json");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "unreadable", message: expect.stringMatching(message) } });
    expect(err).not.toMatch(/\n {4}at /);
  });

  it("takes configuration from another control plane, and gives it on only when told to", async () => {
    await using folder = await folderOf({ "mesh.yaml": entry("10.0.0.1"), "none.yaml": "" });
    const first = begin("serve", "-f", folder.at("mesh.yaml"), "--ads", "127.0.0.1:0", "--share-config", "-o", "json");
    const { ads } = await listening(first);
    const second = begin("serve", "--config", `xds://${ads}`, "--ads", "127.0.0.1:0", "-o", "json");
    const { ads: other } = await listening(second);
    const seen: string[] = [];
    using _client = createDiscoveryClient({
      address: other,
      node: { id: NODE },
      subscriptions: { [ENDPOINTS]: ["outbound|80||shop.example.com"] },
      onResources: ({ resources }) => void seen.push(...resources.map(({ json }) => JSON.stringify(json))),
    });
    await until(() => seen.at(-1)?.includes("10.0.0.1"));
    await writeFile(folder.at("mesh.yaml"), entry("10.0.0.2"));
    await until(() => seen.at(-1)?.includes("10.0.0.2"));
    const third = begin("serve", "-f", folder.at("none.yaml"), "--config", `xds://${other}`, "--ads", "127.0.0.1:0");
    await until(() => /no configuration from .*does not share its configuration/.test(third.err()));
    for (const command of [third, second, first]) {
      command.stop();
      expect((await command.result).code).toBe(0);
    }
  });

  it("with --ca takes configuration over mutual TLS", async () => {
    await using folder = await folderOf({ "mesh.yaml": entry("10.0.0.1") });
    const secured = ["--ads", "127.0.0.1:0", "--ca", folder.at("pki")];
    const first = begin("serve", "-f", folder.at("mesh.yaml"), ...secured, "--share-config", "-o", "json");
    const { ads } = await listening(first);
    const second = begin("serve", "--config", `xds://${ads}`, ...secured, "-o", "json");
    await listening(second);
    expect(second.err()).toContain("serving 1 services");
    const plain = begin("serve", "--config", `xds://${ads}`, "--ads", "127.0.0.1:0");
    await until(() => /no configuration from /.test(plain.err()));
    for (const command of [plain, second, first]) {
      command.stop();
      expect((await command.result).code).toBe(0);
    }
  });

  it.each([
    ["tcp://127.0.0.1:1", /--config takes xds:\/\/HOST:PORT/],
    ["xds://10.0.0.1:15010", /in the clear: that needs --ca or --insecure/],
  ])("--config %s: exit code 2", async (url, message) => {
    const { code, err } = await fairlead("serve", "--config", url, "--ads", "127.0.0.1:0");
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it("an address that is taken: exit code 2", async () => {
    await using folder = await folderOf({ "mesh.yaml": entry("10.0.0.1") });
    const first = begin("serve", "-f", folder.at("mesh.yaml"), "--ads", "127.0.0.1:0", "-o", "json");
    const { ads } = await listening(first);
    const second = await fairlead("serve", "-f", folder.at("mesh.yaml"), "--ads", ads);
    expect(second.code).toBe(2);
    expect(second.err).toContain("listen-failed");
    first.stop();
    expect((await first.result).code).toBe(0);
  });

  it("--insecure allows plaintext where asked for, with an authority too", async () => {
    await using folder = await folderOf({ "mesh.yaml": entry("10.0.0.1") });
    const command = begin(
      ...[
        "serve",
        "-f",
        folder.at("mesh.yaml"),
        "--ads",
        "127.0.0.1:0",
        "--ca",
        folder.at("pki"),
        "--insecure",
        "-o",
        "json",
      ],
    );
    const { ads } = await listening(command);
    const seen: string[] = [];
    using client = createDiscoveryClient({
      address: ads,
      node: { id: NODE },
      subscriptions: { [ENDPOINTS]: ["outbound|80||shop.example.com"] },
      onResources: ({ resources }) => void seen.push(...resources.map(({ name }) => name)),
    });
    await until(() => seen.length > 0);
    expect(client.connected).toBe(true);
    command.stop();
    expect((await command.result).code).toBe(0);
  });
});
