import type { HttpRedirect } from "@fairlead/config";
import { expect, test } from "vitest";
import type { RedirectAction } from "../../proto/types.ts";
import { directResponseAction, redirectAction } from "./redirect.ts";

test.each<[HttpRedirect, number, boolean, RedirectAction]>([
  [{ uri: "/b" }, 9080, false, { pathRedirect: "/b" }],
  [{ authority: "a.example" }, 9080, false, { pathRedirect: "", hostRedirect: "a.example" }],
  [{ prefixRewrite: "/b", uri: "/c" }, 9080, false, { prefixRewrite: "/b" }],
  [{ uri: "/b", scheme: "https", port: 443 }, 80, false, { pathRedirect: "/b", schemeRedirect: "https" }],
  [{ uri: "/b", port: 443 }, 80, false, { pathRedirect: "/b", portRedirect: 443 }],
  [{ uri: "/b", port: 443 }, 8443, true, { pathRedirect: "/b" }],
  [{ uri: "/b", derivePort: "FROM_REQUEST_PORT" }, 8080, false, { pathRedirect: "/b", portRedirect: 8080 }],
  [{ uri: "/b", derivePort: "FROM_REQUEST_PORT" }, 80, false, { pathRedirect: "/b" }],
  [{ uri: "/b", derivePort: "FROM_PROTOCOL_DEFAULT" }, 8080, false, { pathRedirect: "/b" }],
  [{ uri: "/b", redirectCode: 301 }, 80, false, { pathRedirect: "/b" }],
  [{ uri: "/b", redirectCode: 302 }, 80, false, { pathRedirect: "/b", responseCode: "FOUND" }],
  [{ uri: "/b", redirectCode: 303 }, 80, false, { pathRedirect: "/b", responseCode: "SEE_OTHER" }],
  [{ uri: "/b", redirectCode: 307 }, 80, false, { pathRedirect: "/b", responseCode: "TEMPORARY_REDIRECT" }],
  [{ uri: "/b", redirectCode: 308 }, 80, false, { pathRedirect: "/b", responseCode: "PERMANENT_REDIRECT" }],
])("%j at port %i, TLS %s", (redirect, port, tls, expected) => {
  expect(redirectAction(redirect, port, tls)).toEqual(expected);
});

test("a status that Envoy cannot redirect with", () => {
  expect(redirectAction({ uri: "/b", redirectCode: 305 }, 80, false)).toBeUndefined();
});

test("direct responses", () => {
  expect(directResponseAction({ status: 503 })).toEqual({ status: 503 });
  expect(directResponseAction({ status: 418, body: { string: "short" } })).toEqual({
    status: 418,
    body: { inlineString: "short" },
  });
  expect(directResponseAction({ status: 200, body: { bytes: "aGVsbG8=" } })).toEqual({
    status: 200,
    body: { inlineBytes: "aGVsbG8=" },
  });
});
