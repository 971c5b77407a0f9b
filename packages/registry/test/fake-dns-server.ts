import { createSocket } from "node:dgram";
import { type Answer, decode, encode, type Packet } from "dns-packet";

/** A name server on 127.0.0.1 over UDP, with records that a test sets. */
export interface FakeDnsServer {
  /** `ip:port`. */
  readonly address: string;
  /** By name; a name without an entry does not exist (NXDOMAIN). */
  readonly records: Map<string, readonly Answer[]>;
  /** Types that are answered with SERVFAIL. */
  readonly failing: Set<string>;
  readonly questions: string[];
  close(): Promise<void>;
}

const SERVFAIL = 2;
const NXDOMAIN = 3;

export async function fakeDnsServer(): Promise<FakeDnsServer> {
  const records = new Map<string, readonly Answer[]>();
  const failing = new Set<string>();
  const questions: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (message, { port, address }) => {
    const query = decode(message);
    const [question] = query.questions ?? [];
    if (question === undefined) return;
    const name = question.name.toLowerCase();
    questions.push(`${question.type} ${name}`);
    const known = records.get(name);
    const code = failing.has(question.type) ? SERVFAIL : known === undefined ? NXDOMAIN : 0;
    const answers = code === 0 ? (known ?? []).filter(({ type }) => type === question.type) : [];
    const response: Packet = {
      type: "response",
      id: query.id ?? 0,
      flags: 0x8180 | code,
      questions: [question],
      answers,
    };
    socket.send(encode(response), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    failing,
    questions,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
