import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const DUMP = {
  configs: [
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
      dynamic_listeners: [
        {
          name: "0.0.0.0_80",
          active_state: {
            version_info: "1",
            listener: {
              "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
              name: "0.0.0.0_80",
              address: { socket_address: { address: "0.0.0.0", port_value: 80 } },
            },
            last_updated: "2026-01-01T00:00:00Z",
          },
          error_state: { details: "no such filter", version_info: "2", last_update_attempt: "2026-01-02T00:00:00Z" },
        },
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
      dynamic_warming_secrets: [{ name: "default", version_info: "uninitialized", secret: { name: "default" } }],
    },
  ],
};

describe("proxy-config of a saved dump", () => {
  it("shows what was refused beside what is in force, and 1 is its exit code", async () => {
    await using folder = await folderOf({ "dump.json": JSON.stringify(DUMP) });
    const { code, out } = await fairlead("proxy-config", "listener", "-f", folder.at("dump.json"), "-o", "json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual([
      {
        kind: "listeners",
        name: "0.0.0.0_80",
        state: "active",
        version: "1",
        updated: "2026-01-01T00:00:00Z",
        resource: { name: "0.0.0.0_80", address: { socketAddress: { address: "0.0.0.0", portValue: 80 } } },
      },
      {
        kind: "listeners",
        name: "0.0.0.0_80",
        state: "refused",
        version: "2",
        updated: "2026-01-02T00:00:00Z",
        error: "no such filter",
        resource: {},
      },
    ]);
  });

  it("shows secrets that are waited for", async () => {
    await using folder = await folderOf({ "dump.json": JSON.stringify(DUMP) });
    const { code, out } = await fairlead("proxy-config", "secrets", "-f", folder.at("dump.json"));
    expect([code, out.split("\n")[1]?.split(/ {2,}/).slice(0, 4)]).toEqual([0, ["default", "other", "warming", "-"]]);
  });

  it.each([
    [["proxy-config", "clusters"], "--admin HOST:PORT or -f FILE"],
    [["proxy-config", "pods", "-f", "x"], '"pods" is none of'],
    [
      ["proxy-config", "clusters", "--admin", "127.0.0.1:1"],
      "http://127.0.0.1:1/config_dump?include_eds cannot be read",
    ],
    [["proxy-log", "--admin", "127.0.0.1:1", "loud"], "a level is trace"],
    [["proxy-status", "--control-plane", "127.0.0.1:1"], "http://127.0.0.1:1/debug/proxies cannot be read"],
    [["proxy-status", "--control-plane", "127.0.0.1:1", "--admin", "127.0.0.1:1"], "which NODE"],
  ])("%j is refused with words that help", async (words, told) => {
    const { code, out, err } = await fairlead(...words, "-o", "json");
    expect(code).toBe(2);
    expect(err).toContain(told);
    expect(JSON.parse(out)).toHaveProperty("error.message");
  });

  it("that is none says so", async () => {
    await using folder = await folderOf({ "dump.json": "{}" });
    const { code, err } = await fairlead("proxy-config", "clusters", "-f", folder.at("dump.json"));
    expect([code, err]).toEqual([2, expect.stringContaining("is no config_dump")]);
  });
});
