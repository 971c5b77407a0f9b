import { createCsr, memoryKeyManager, newPrivateKey, selfSignedAuthority } from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";

/** Issues certificates for so many CPU seconds, with `verify` verifying each signature; prints how many a CPU second. */
const [words, seconds] = [process.argv.slice(2), Number(process.argv[2])];
const authority = await selfSignedAuthority({
  trustDomain: "cluster.local",
  keys: memoryKeyManager(),
  verifyAfterSign: words.includes("verify"),
});
const identity = workloadSpiffeId("cluster.local", "default", "reviews");
const csr = createCsr({ key: newPrivateKey("ec-p256"), identity });
for (let warm = 0; warm < 2000; warm++) await authority.issue({ csr, identity });
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const start = cpu();
let count = 0;
while (cpu() - start < seconds) {
  for (let one = 0; one < 50; one++) await authority.issue({ csr, identity });
  count += 50;
}
console.log(JSON.stringify({ perCpuSecond: count / (cpu() - start) }));
await authority.close();
