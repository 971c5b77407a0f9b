import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenPages, type Page, type Pages } from "./pages.ts";

const PAGES: Record<string, (query: URLSearchParams) => Page | Promise<Page>> = {
  "/text": () => ({ text: "words\n" }),
  "/json": (query) => ({ json: { q: query.get("q") } }),
  "/late": async () => ({ status: 503, text: "not yet\n" }),
  "/broken": () => {
    throw new Error("it broke");
  },
  "/debug/x": () => ({ text: "inside\n" }),
};

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

/** A request whose path goes out as it is written. */
function get(address: string, path: string, method = "GET"): Promise<Answer> {
  const colon = address.lastIndexOf(":");
  return new Promise((resolve, reject) => {
    const options = {
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      path,
      method,
      agent: false,
    };
    request(options, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString("utf8");
      });
      response.on("end", () => resolve({ status: response.statusCode, type: response.headers["content-type"], body }));
    })
      .on("error", reject)
      .end();
  });
}

describe("pages", () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await listenPages({ address: "127.0.0.1:0", pages: PAGES });
  });
  afterAll(() => pages.close());

  it.each<[string, string, number, string]>([
    ["GET", "/text", 200, "words\n"],
    ["GET", "/json?q=a%20b", 200, '{\n  "q": "a b"\n}\n'],
    ["GET", "/late", 503, "not yet\n"],
    ["GET", "/broken", 500, "it broke\n"],
    ["HEAD", "/text", 200, ""],
    ["POST", "/text", 405, "only GET\n"],
    ["GET", "/debug/x", 200, "inside\n"],
    ["GET", "//", 400, "that is no path\n"],
    ["GET", "http://", 400, "that is no path\n"],
  ])("%s %s", async (method, path, status, body) => {
    expect(await get(pages.address, path, method)).toMatchObject({ status, body });
  });

  it("says which pages there are, of every name that is none", async () => {
    for (const path of ["/", "/nothing", "/constructor", "/__proto__", "/text/"]) {
      const { status, body } = await get(pages.address, path);
      expect([path, status]).toEqual([path, 404]);
      expect(body).toContain("/text\n/json\n");
    }
  });

  it("does not answer debug pages to a browser that was led here by another name", async () => {
    const colon = pages.address.lastIndexOf(":");
    const asked = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = {
          host: "127.0.0.1",
          port: pages.address.slice(colon + 1),
          path: "/debug/x",
          headers: { host },
        };
        request({ ...options, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    for (const host of ["localhost", "localhost:80", "127.0.0.1:15014", "[::1]:1", "[::1]"])
      expect([host, await asked(host)]).toEqual([host, 200]);
    for (const host of ["evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example"])
      expect([host, await asked(host)]).toEqual([host, 403]);
  });

  it("says what it sends", async () => {
    expect((await get(pages.address, "/text")).type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await get(pages.address, "/json")).type).toBe("application/json");
  });

  it("an address that is taken is an error with a code", async () => {
    await expect(listenPages({ address: pages.address, pages: PAGES })).rejects.toMatchObject({
      name: "ControlPlaneError",
      code: "listen-failed",
    });
  });

  it("takes IPv6 addresses", async () => {
    const six = await listenPages({ address: "[::1]:0", pages: PAGES }).catch((error) => error as Error);
    if (six instanceof Error) return expect(six.message).toMatch(/EADDRNOTAVAIL|EAFNOSUPPORT/);
    expect(six.address).toMatch(/^\[::1\]:\d+$/);
    await six.close();
  });
});
