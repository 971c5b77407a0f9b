import { afterEach, describe, expect, it } from "vitest";
import { kubernetesClient } from "./client.ts";
import { fakeApiServer } from "./testing/fake-api-server.ts";
import { reviewToken } from "./token-review.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

describe("reviewToken", () => {
  it.each([
    ["a valid token", "good", ["istio-ca"], true],
    ["a token for another audience", "good", ["other"], false],
    ["a token nobody knows", "bad", ["istio-ca"], false],
    ["a server that does not look at audiences", "blind", ["istio-ca"], false],
  ])("%s", async (_, token, audiences, authenticated) => {
    const username = "system:serviceaccount:shop:web";
    const server = await fakeApiServer({
      users: { good: { username, groups: ["g"], audiences: ["istio-ca"] } },
    });
    const client = kubernetesClient({ server: server.url });
    open.push(server, client);
    const asked =
      token === "blind"
        ? {
            ...client,
            create: async () => ({
              apiVersion: "",
              kind: "",
              metadata: { name: "" },
              status: { authenticated: true, user: { username } },
            }),
          }
        : client;
    const result = await reviewToken(asked, token, audiences);
    expect(result.authenticated).toBe(authenticated);
    if (result.authenticated)
      expect(result).toMatchObject({ user: { username, groups: ["g"] }, audiences: ["istio-ca"] });
    else expect(result.reason).not.toBe("");
  });
});
