import type { AuthorizationRule } from "@fairlead/config";
import { expect, test } from "vitest";
import type { Protocol } from "./conditions.ts";
import { rbacPolicy } from "./rule.ts";

function made(rule: AuthorizationRule, protocol: Protocol, strict: boolean) {
  const problems: string[] = [];
  const policy = rbacPolicy(rule, {
    protocol,
    strict,
    namespace: "foo",
    trustDomains: ["cluster.local"],
    report: (path) => void problems.push(path),
  });
  return { policy, problems };
}

const ANY = { andRules: { rules: [{ any: true }] } };
const ANYBODY = { andIds: { ids: [{ any: true }] } };

test("an empty rule matches everything", () => {
  expect(made({}, "http", true).policy).toEqual({ permissions: [ANY], principals: [ANYBODY] });
});

test("what cannot be asked of a connection voids a rule that allows, and widens one that denies", () => {
  const rule: AuthorizationRule = { to: [{ operation: { methods: ["GET"], ports: ["80"] } }] };
  expect(made(rule, "tcp", true)).toEqual({ policy: undefined, problems: ["to[0].operation.methods"] });
  expect(made(rule, "tcp", false)).toEqual({
    policy: {
      permissions: [{ andRules: { rules: [{ orRules: { rules: [{ destinationPort: 80 }] } }] } }],
      principals: [ANYBODY],
    },
    problems: ["to[0].operation.methods"],
  });
});

test("conditions of `when` hold beside each `from` and `to`", () => {
  const { policy } = made(
    {
      from: [{ source: { namespaces: ["a"] } }, { source: { notIpBlocks: ["10.0.0.0/8"] } }],
      when: [{ key: "request.headers[x-role]", values: ["admin"], notValues: ["guest*"] }],
    },
    "http",
    true,
  );
  const header = [
    { orIds: { ids: [{ header: { name: "x-role", stringMatch: { exact: "admin" } } }] } },
    { notId: { orIds: { ids: [{ header: { name: "x-role", stringMatch: { prefix: "guest" } } }] } } },
  ];
  expect(policy?.principals).toEqual([
    {
      andIds: {
        ids: [
          {
            orIds: {
              ids: [{ authenticated: { principalName: { safeRegex: { regex: ".*/ns/a/.*" } } } }],
            },
          },
          ...header,
        ],
      },
    },
    {
      andIds: {
        ids: [
          { notId: { orIds: { ids: [{ directRemoteIp: { addressPrefix: "10.0.0.0", prefixLen: 8 } }] } } },
          ...header,
        ],
      },
    },
  ]);
});

test.each([
  ["shoe.size", "when[0].key"],
  ["destination.port", "when[0]"],
  ["source.ip", "when[0]"],
])("%s with a bad value is said at %s", (key, path) => {
  expect(made({ when: [{ key, values: ["none"] }] }, "http", true)).toEqual({ policy: undefined, problems: [path] });
});
