import { expect, expectTypeOf, it } from "vitest";
import type {
  DurationText,
  HttpMatch,
  HttpRoute,
  LoadBalancer,
  MeshConfig,
  StringMatch,
  VirtualService,
  virtualService,
} from "../index.ts";
import { fieldPaths } from "./field-paths.ts";
import { type Infer, list, map, message, nullable, required, text, uint32 } from "./message.ts";

const sample = message(
  { name: required(text()), size: nullable(uint32({ max: 9 })), tags: map(text()), a: text(), b: list(text()) },
  ["a", "b"],
);

it("infers the type of its values", () => {
  type Sample = Infer<typeof sample>;
  expectTypeOf<Sample["name"]>().toEqualTypeOf<string>();
  expectTypeOf<Sample["size"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<{ name: "n"; a: "x" }>().toExtend<Sample>();
  expectTypeOf<{ name: "n"; a: "x"; b: [] }>().not.toExtend<Sample>();
  expectTypeOf<{ a: "x" }>().not.toExtend<Sample>();
});

it("makes unions of oneofs, so that contradictions do not compile", () => {
  const destination = { destination: { host: "a" } };
  expectTypeOf({ route: [destination] }).toExtend<HttpRoute>();
  expectTypeOf({ route: [destination], redirect: { uri: "/" } }).not.toExtend<HttpRoute>();
  expectTypeOf<{ exact: "a" }>().toExtend<StringMatch>();
  expectTypeOf<{ exact: "a"; prefix: "b" }>().not.toExtend<StringMatch>();
  expectTypeOf<{ simple: "RANDOM"; consistentHash: { useSourceIp: true } }>().not.toExtend<LoadBalancer>();
  expectTypeOf<HttpMatch["headers"]>().toEqualTypeOf<Readonly<Record<string, StringMatch>> | undefined>();
  expectTypeOf<VirtualService["hosts"]>().toEqualTypeOf<readonly string[] | undefined>();
  expectTypeOf<MeshConfig["accessLogEncoding"]>().toEqualTypeOf<"TEXT" | "JSON" | undefined>();
});

it("knows durations from other texts, so that a number without a unit does not compile", () => {
  const timeout = <T extends string>(value: T) => ({ route: [{ destination: { host: "a" } }], timeout: value });
  for (const good of ["5s", "0.5s", "250ms", "1h30m", "1h2m3s", "0", "10us"] as const)
    expectTypeOf(timeout(good)).toExtend<HttpRoute>();
  expectTypeOf(timeout("5" as const)).not.toExtend<HttpRoute>();
  expectTypeOf(timeout("soon" as const)).not.toExtend<HttpRoute>();
  expectTypeOf(timeout("5sec" as const)).not.toExtend<HttpRoute>();
  expectTypeOf<MeshConfig["connectTimeout"]>().toEqualTypeOf<DurationText | undefined>();
  // @ts-expect-error a duration needs a unit
  const spec: Parameters<typeof virtualService>[1] = { hosts: ["a"], http: [{ ...timeout("5s"), timeout: "5" }] };
  expect(spec.http).toHaveLength(1);
});

it.each([
  [{ name: "n" }, []],
  [{ name: "n", size: null }, []],
  [{}, ["invalid_type name"]],
  [{ name: "n", size: 10 }, ["too_big size"]],
  [{ name: "n", size: "5" }, ["invalid_type size"]],
  [{ name: "n", tags: null }, ["invalid_type tags"]],
  [{ name: "n", more: 1, other: 2 }, ["unrecognized_keys "]],
  [{ name: "n", a: "x", b: ["y"] }, ["custom "]],
  [{ name: "n", a: "x", b: [] }, []],
])("checks %j", (value, issues) => {
  const result = sample["~standard"].validate(value);
  const found = sample._zod.run({ value, issues: [] }, { async: false });
  expect(result).not.toBeInstanceOf(Promise);
  expect("issues" in found && found.issues.map(({ code, path }) => `${code} ${path?.join(".") ?? ""}`)).toEqual(issues);
});

it("lists every leaf field of a kind", () => {
  const paths = fieldPaths("VirtualService");
  expect(paths).toContain("http[].match[].headers{}.exact");
  expect(paths).toContain("tcp[].route[].weight");
  expect(new Set(paths).size).toBe(paths.length);
  expect(fieldPaths("MeshConfig")).toContain("defaultConfig.proxyMetadata{}");
});
