import { expect, test } from "vitest";
import { credentialSecret, fileSecret } from "./credential.ts";

const server = (name: string, socket: boolean) => {
  const { name: secret, sdsConfig } = credentialSecret(name, socket);
  return [secret, sdsConfig?.apiConfigSource?.grpcServices?.[0]?.envoyGrpc?.clusterName ?? (sdsConfig?.ads && "ads")];
};

test.each([
  ["shop-cert", false, ["kubernetes://shop-cert", "ads"]],
  ["kubernetes-gateway://ns/cert", false, ["kubernetes-gateway://ns/cert", "ads"]],
  ["configmap://ns/roots", false, ["configmap://ns/roots", "ads"]],
  ["builtin://", false, ["default", "sds-grpc"]],
  ["builtin://-cacert", false, ["ROOTCA", "sds-grpc"]],
  ["sds://cert", false, ["kubernetes://cert", "ads"]],
  ["sds://cert", true, ["sds://cert", "sds-external"]],
])("%s (agent's socket: %s)", (name, socket, expected) => {
  expect(server(name, socket)).toEqual(expected);
});

test("files are served by the agent", () => {
  expect(fileSecret("file-root:system", false).sdsConfig?.apiConfigSource?.grpcServices).toEqual([
    { envoyGrpc: { clusterName: "sds-grpc" } },
  ]);
});
