import { fileURLToPath } from "node:url";
import { GrpcError, listenGrpc, type Method, STATUS } from "@fairlead/grpc";
import { describe, expect, it } from "vitest";
import { grpcioPath, startPython } from "../support/grpcio.ts";
import { hasTool } from "../support/tool.ts";

/** The server of `@fairlead/grpc`, called by gRPC's C core (through Python): compression, deadlines, statuses, flow control. */

const PROGRAM = fileURLToPath(new URL("grpcio/interop.py", import.meta.url));

const methods = (aborted: string[]): readonly Method[] => [
  { kind: "unary", path: "/t.T/Say", answer: (request) => request },
  {
    kind: "unary",
    path: "/t.T/Fail",
    answer() {
      const metadata = { "x-why": "because", "x-why-bin": Buffer.from([0, 255]) };
      throw new GrpcError(STATUS.failedPrecondition, "100 % für alle\n", { metadata });
    },
  },
  {
    kind: "unary",
    path: "/t.T/Metadata",
    answer: (_, call) =>
      Buffer.from(
        JSON.stringify([call.metadata("x-a"), call.binaryMetadata("x-bin").map((one) => one.toString("hex"))]),
      ),
  },
  {
    kind: "unary",
    path: "/t.T/Hang",
    answer: (_, { signal }) =>
      new Promise(() => signal.addEventListener("abort", () => aborted.push(String(signal.reason)))),
  },
  {
    kind: "stream",
    path: "/t.T/Echo",
    open: (stream) => ({
      message(bytes) {
        if (bytes.toString() === "end") stream.end({ code: STATUS.unavailable, details: "enough" });
        else stream.write(bytes);
      },
      closed: () => undefined,
    }),
  },
  {
    kind: "stream",
    path: "/t.T/Count",
    open(stream) {
      const shared = Buffer.alloc(500_000, "x");
      const send = (left: number) =>
        left === 0 ? stream.end() : stream.write(shared, (error) => void (error ?? send(left - 1)));
      return { message: (bytes) => send(Number(bytes)), halfClosed: () => undefined, closed: () => undefined };
    },
  },
];

describe.runIf(await hasTool("python3", ["-m", "pip", "--version"], "gRPC for Python"))("gRPC's C core", () => {
  it("calls, streams, compresses, cancels and is told what is wrong", async () => {
    const aborted: string[] = [];
    const server = await listenGrpc({ address: "127.0.0.1:0", methods: methods(aborted) });
    const answers = new Map<string, unknown>();
    {
      await using program = startPython(await grpcioPath(), PROGRAM, [server.address], {});
      while (answers.size < 16) {
        const [name, answer] = JSON.parse(await program.next()) as [string, unknown];
        answers.set(name, answer);
      }
    }
    await server.close();
    const big = { bytes: 3_000_000, head: "01234567890123456789" };
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(Object.fromEntries(answers)).toEqual({
      unary: { bytes: 5, head: "hello" },
      empty: { bytes: 0, head: "" },
      large: big,
      "too large": code("RESOURCE_EXHAUSTED"),
      gzip: big,
      deflate: big,
      "gzip that expands too far": code("RESOURCE_EXHAUSTED"),
      status: {
        code: "FAILED_PRECONDITION",
        details: "100 % für alle\n",
        trailers: { "x-why": "because", "x-why-bin": "00ff" },
      },
      metadata: [["1", "2"], ["00ff"]],
      deadline: code("DEADLINE_EXCEEDED"),
      cancelled: "CANCELLED",
      unknown: code("UNIMPLEMENTED"),
      bidi: Array.from({ length: 20 }, (_, at) => at * 10_000 + 1),
      "bidi gzip": Array.from({ length: 20 }, (_, at) => at * 10_000 + 1),
      "ended by the server": ["a", "UNAVAILABLE", "enough"],
      "server stream": Array.from({ length: 30 }, () => 500_000),
    });
    expect(aborted.length).toBeGreaterThanOrEqual(1);
  });
});
