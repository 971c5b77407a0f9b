import { afterEach, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity } from "../../test/support/requests.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "./self-signed.ts";

const DAY = 86_400_000;
const open: SelfSignedAuthority[] = [];
afterEach(async () => {
  for (const authority of open.splice(0)) await authority.close();
});
const start = async (options: Partial<Parameters<typeof selfSignedAuthority>[0]> = {}) => {
  const clock = options.clock ?? fakeClock();
  const authority = await selfSignedAuthority({
    trustDomain: "cluster.local",
    keys: memoryKeyManager(),
    rootTtlSeconds: 100 * 86_400,
    ttl: { maxSeconds: 86_400 },
    pollSeconds: 3600 * 6,
    ...options,
    clock,
  });
  open.push(authority);
  return authority;
};
const statuses = ({ slots }: SelfSignedAuthority) => slots.map(({ status }) => status).join();

test("a root is followed in time, and what was signed at any time is good in the bundle of any moment of its life", async () => {
  const clock = fakeClock();
  const authority = await start({ clock });
  const seen = new Set<string>();
  let last = await authority.issue({ csr: csrPem(), identity });
  for (let hour = 0; hour < 24 * 110; hour += 12) {
    await clock.advance(DAY / 2);
    seen.add(statuses(authority));
    const at = clock.now();
    if (at < last.notAfter.getTime())
      expect(verifyX509Svid(last.certificateChain.join(""), { at, bundle: () => authority.trustBundle }).id.uri).toBe(
        identity.uri,
      );
    last = await authority.issue({ csr: csrPem(), identity });
    expect(last.notAfter.getTime() - at).toBe(DAY);
  }
  expect([...seen]).toEqual(["active", "active,prepared", "old,active"]);
}, 60_000);

test("a root that has expired while nobody looked is followed at the start", async () => {
  const clock = fakeClock();
  const keys = memoryKeyManager();
  const first = await start({ clock, keys });
  await first.close();
  clock.jump(101 * DAY);
  const second = await start({ clock, keys });
  expect((await second.issue({ csr: csrPem(), identity })).notAfter.getTime()).toBe(clock.now() + DAY);
  expect(statuses(second)).toBe("active");
});

test("not where it is turned off", async () => {
  const clock = fakeClock();
  const authority = await start({ clock, autoRotate: false });
  clock.jump(101 * DAY);
  await clock.advance(DAY);
  await expect(authority.issue({ csr: csrPem(), identity })).rejects.toMatchObject({ code: "CA_EXPIRED" });
});

test("a rotation that is steered by hand is left alone", async () => {
  const clock = fakeClock();
  const authority = await start({ clock });
  await authority.prepare();
  await clock.advance(10 * DAY);
  expect(statuses(authority)).toBe("active,prepared");
});
