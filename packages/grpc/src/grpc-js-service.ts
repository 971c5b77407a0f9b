import {
  Metadata as GrpcMetadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type StatusObject,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Call, Method, Peer, StreamEvents, StreamMethod, UnaryMethod } from "./method.ts";
import { GrpcError, STATUS, type Status } from "./status.ts";

/** What `server.addService(definition, implementation)` of grpc-js takes. */
export interface GrpcJsService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

type AnyCall = ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** The same methods for a grpc-js server of one's own, under the last part of their paths. */
export function grpcJsService(methods: readonly Method[]): GrpcJsService {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of methods) {
    const name = method.path.slice(method.path.lastIndexOf("/") + 1);
    definition[name] = rawMethod(method.path, method.kind === "stream");
    implementation[name] = method.kind === "unary" ? unary(method) : streaming(method);
  }
  return { definition, implementation };
}

const raw = (bytes: Buffer): Buffer => bytes;

function rawMethod(path: string, streaming: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: streaming,
    responseStream: streaming,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  };
}

const unary = (method: UnaryMethod) => (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => {
  // An answer may throw at once.
  new Promise<Buffer>((resolve) => resolve(method.answer(call.request, callOf(call)))).then(
    (bytes) => respond(null, bytes),
    (error: unknown) => respond(statusObject(statusOf(error))),
  );
};

const streaming = (method: StreamMethod) => (call: ServerDuplexStream<Buffer, Buffer>) => {
  let events: StreamEvents | undefined;
  let open = true;
  let gone = false;
  let reason = "the client is gone";
  const end = (status: Status = { code: STATUS.ok }) => {
    if (!open) return;
    open = false;
    reason = "the server ended the stream";
    if (status.code === STATUS.ok) call.end(metadataOf(status));
    else call.emit("error", statusObject(status));
  };
  const guard = (work: () => void) => {
    try {
      work();
    } catch (error) {
      end(statusOf(error));
    }
  };
  const closed = () => {
    if (gone) return;
    gone = true;
    open = false;
    guard(() => events?.closed(reason));
  };
  call.on("cancelled", closed);
  call.on("error", closed);
  call.on("finish", closed);
  guard(() => {
    events = method.open({
      call: callOf(call),
      write: (message, done) => {
        if (open) call.write(Buffer.from(message.buffer, message.byteOffset, message.byteLength), done);
        else done?.(new Error("the stream has ended"));
      },
      end,
    });
  });
  call.on("data", (bytes: Buffer) => guard(() => open && events?.message(bytes)));
  call.on("end", () =>
    guard(() => {
      if (!open || call.cancelled) return;
      if (events?.halfClosed) events.halfClosed();
      else {
        end();
        reason = "the client ended the stream";
      }
    }),
  );
};

function callOf(call: AnyCall): Call {
  const aborted = new AbortController();
  call.once("cancelled", () => aborted.abort(new Error("the client is gone")));
  return {
    path: call.getPath(),
    peer: peerOf(call),
    signal: aborted.signal,
    metadata: (name) => call.metadata.get(name).map(String),
    binaryMetadata: (name) => call.metadata.get(name).filter((value) => typeof value !== "string"),
  };
}

function peerOf(call: AnyCall): Peer {
  const { transportSecurityType, sslPeerCertificate } = call.getAuthContext();
  const unix = !/:\d+$/.test(call.getPeer());
  return {
    address: unix ? "unix" : call.getPeer(),
    transport: transportSecurityType === "ssl" ? "tls" : unix ? "unix" : "plaintext",
    certificate: sslPeerCertificate
      ? { der: sslPeerCertificate.raw, subjectAltName: sslPeerCertificate.subjectaltname ?? "" }
      : undefined,
  };
}

function statusOf(error: unknown): Status {
  return error instanceof GrpcError ? error.status : { code: STATUS.unknown, details: "the call failed" };
}

function metadataOf({ metadata = {} }: Status): GrpcMetadata {
  const made = new GrpcMetadata();
  for (const [key, value] of Object.entries(metadata))
    made.set(key, typeof value === "string" ? value : Buffer.from(value));
  return made;
}

function statusObject(status: Status): Partial<StatusObject> {
  return { code: status.code, details: status.details ?? "", metadata: metadataOf(status) };
}
