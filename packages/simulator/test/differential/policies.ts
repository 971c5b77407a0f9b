import type { HttpRbac, Permission, Principal } from "../../src/envoy.ts";
import type { Random } from "./random.ts";
import { NAMES, PATHS, VALUES } from "./routes.ts";

function text(random: Random) {
  const value = random.pick(VALUES) || "x";
  return random.pick([
    { exact: value },
    { prefix: value },
    { suffix: value },
    { contains: value },
    { safeRegex: { regex: "\\d+" } },
  ]);
}

function header(random: Random) {
  if (random.chance(0.2)) return { name: random.pick(NAMES), presentMatch: random.chance(0.5) };
  return {
    name: random.pick([...NAMES, ":method", ":path", ":authority"]),
    stringMatch: text(random),
    ...(random.chance(0.2) && { invertMatch: true }),
    ...(random.chance(0.2) && { treatMissingHeaderAsEmpty: true }),
  };
}

function permission(random: Random, depth = 0): Permission {
  const deeper = () => permission(random, depth + 1);
  switch (random.below(depth > 1 ? 4 : 7)) {
    case 0:
      return { any: true };
    case 1:
      return { header: header(random) };
    case 2:
      return { urlPath: { path: random.pick([{ exact: random.pick(PATHS) }, { prefix: "/a" }, { suffix: "/v1" }]) } };
    case 3:
      return { destinationPortRange: { start: 1, end: random.pick([2, 65_000] as const) } };
    case 4:
      return { notRule: deeper() };
    case 5:
      return { andRules: { rules: [deeper(), deeper()] } };
    default:
      return { orRules: { rules: [deeper(), deeper()] } };
  }
}

function principal(random: Random, depth = 0): Principal {
  const deeper = () => principal(random, depth + 1);
  switch (random.below(depth > 1 ? 5 : 8)) {
    case 0:
      return { any: true };
    case 1:
      return { header: header(random) };
    case 2:
      return { directRemoteIp: { addressPrefix: random.pick(["127.0.0.0", "10.0.0.0"] as const), prefixLen: 8 } };
    case 3:
      return { authenticated: {} };
    case 4:
      return { urlPath: { path: { prefix: random.pick(PATHS) } } };
    case 5:
      return { notId: deeper() };
    case 6:
      return { andIds: { ids: [deeper(), deeper()] } };
    default:
      return { orIds: { ids: [deeper(), deeper()] } };
  }
}

/** A random RBAC filter, more often lenient than not. */
export function randomRbac(random: Random): HttpRbac {
  const count = 1 + random.below(3);
  const policies = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `p${index}`,
      { permissions: [permission(random), permission(random)], principals: [principal(random)] },
    ]),
  );
  return { rules: { action: random.pick(["ALLOW", "DENY"] as const), policies } };
}

/** A random CORS policy for a virtual host. */
export function randomCors(random: Random) {
  return {
    "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
    allowOriginStringMatch: [
      random.pick([
        { exact: "http://a.com" },
        { prefix: "http://a" },
        { exact: "*" },
        { safeRegex: { regex: "http://.*" } },
      ] as const),
    ],
    ...(random.chance(0.5) && { allowMethods: "GET,PUT" }),
    ...(random.chance(0.5) && { allowHeaders: "x-a" }),
    ...(random.chance(0.5) && { allowCredentials: true }),
    ...(random.chance(0.5) && { maxAge: "60" }),
    ...(random.chance(0.3) && { forwardNotMatchingPreflights: false }),
  };
}
