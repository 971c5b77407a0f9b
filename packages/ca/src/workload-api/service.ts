import { parseSpiffeId } from "@fairlead/model";
import {
  type handleUnaryCall,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import type { JwtSvidIssuer } from "../jwt/jwt-authority.ts";
import { verifyJwtSvid } from "../jwt/verify.ts";
import { type WorkloadApiOptions, workloadAnswers } from "./answers.ts";
import { decodeJwtSvidRequest, decodeValidateRequest, encodeJwtSvids, encodeValidated } from "./wire.ts";

export interface WorkloadApiServiceOptions extends WorkloadApiOptions {
  /** Who makes the workload's JWT-SVIDs. Without it they are UNIMPLEMENTED. */
  readonly jwt?: JwtSvidIssuer;
  readonly clock?: Pick<Clock, "now">;
}

export interface WorkloadApiService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Ends all streams with UNAVAILABLE. */
  close(): void;
}

/** Without this header a request may come from a browser that was sent there (Workload API, section 4). */
const HEADER = "workload.spiffe.io";
const raw = (bytes: Buffer): Buffer => bytes;

const method = (name: string, responseStream: boolean): ServiceDefinition[string] => ({
  path: `/SpiffeWorkloadAPI/${name}`,
  requestStream: false,
  responseStream,
  requestSerialize: raw,
  requestDeserialize: raw,
  responseSerialize: raw,
  responseDeserialize: raw,
});

const DEFINITION: ServiceDefinition = {
  FetchX509SVID: method("FetchX509SVID", true),
  FetchX509Bundles: method("FetchX509Bundles", true),
  FetchJWTSVID: method("FetchJWTSVID", false),
  FetchJWTBundles: method("FetchJWTBundles", true),
  ValidateJWTSVID: method("ValidateJWTSVID", false),
};

type Call = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;

/**
 * The SPIFFE Workload API of one workload, for any grpc-js server on a Unix socket that only this workload may open: who can
 * open it is who it says. Streams send anew after every change. UNAVAILABLE while there is no certificate yet, so that
 * clients wait; the standard's PERMISSION_DENIED would be for good.
 */
export function workloadApiService(options: WorkloadApiServiceOptions): WorkloadApiService {
  const { agent, jwt, clock = systemClock } = options;
  const answers = workloadAnswers(options);
  const streams = new Map<ServerWritableStream<Buffer, Buffer>, () => void>();
  let coming = false;
  /** Changes of one turn are one message. */
  const changed = () => {
    if (coming) return;
    coming = true;
    setImmediate(() => {
      coming = false;
      for (const send of streams.values()) send();
    });
  };
  const sources = [agent, ...(options.bundle ? [options.bundle] : []), ...(options.federated ?? [])];
  const unsubscribe = sources.map((source) => source.subscribe(changed));

  const stream = (answer: () => Buffer) => (call: ServerWritableStream<Buffer, Buffer>) => {
    if (!hasHeader(call)) return end(call, NO_HEADER);
    let last: Buffer | undefined;
    const send = () => {
      try {
        const next = answer();
        if (last?.equals(next)) return;
        last = next;
        call.write(next);
      } catch (error) {
        streams.delete(call);
        end(call, statusOf(error));
      }
    };
    streams.set(call, send);
    call.on("cancelled", () => void streams.delete(call));
    call.on("close", () => void streams.delete(call));
    send();
  };
  const unary =
    (answer: (request: Buffer) => Promise<Buffer>): handleUnaryCall<Buffer, Buffer> =>
    (call, callback) => {
      if (!hasHeader(call)) return callback(NO_HEADER);
      answer(call.request).then(
        (bytes) => callback(null, bytes),
        (error: unknown) => callback(statusOf(error)),
      );
    };
  const fetchJwtSvid = async (request: Buffer): Promise<Buffer> => {
    const { audiences, spiffeId } = decodeJwtSvidRequest(request);
    if (jwt === undefined) throw new Unimplemented();
    if (spiffeId !== "" && parseSpiffeId(spiffeId).uri !== agent.identity.uri)
      throw new CaError("POLICY_DENIED", `this workload is not ${spiffeId.slice(0, 200)}`);
    const { token, identity } = await jwt.mint({ identity: agent.identity, audiences });
    return encodeJwtSvids([{ spiffeId: identity.uri, token }]);
  };
  const validateJwtSvid = async (request: Buffer): Promise<Buffer> => {
    const { audience, token } = decodeValidateRequest(request);
    if (audience === "" || token === "") throw new CaError("OPTION_INVALID", "an audience and a token are needed");
    try {
      const verified = await verifyJwtSvid(token, { audience, at: clock.now(), bundle: answers.bundleOf });
      return encodeValidated(verified.id.uri, verified.claims);
    } catch (error) {
      // To the workload itself, whose token it is: it may know why.
      throw new CaError("OPTION_INVALID", (error as Error).message, { cause: error });
    }
  };
  return {
    definition: DEFINITION,
    implementation: {
      FetchX509SVID: stream(answers.x509Svids),
      FetchX509Bundles: stream(answers.x509Bundles),
      FetchJWTBundles: stream(answers.jwtBundles),
      FetchJWTSVID: unary(fetchJwtSvid),
      ValidateJWTSVID: unary(validateJwtSvid),
    },
    close() {
      for (const stop of unsubscribe) stop();
      for (const call of streams.keys()) end(call, { code: status.UNAVAILABLE, details: "the agent ends" });
      streams.clear();
    },
  };
}

/** Ends a stream with a status, as grpc-js asks for it. */
function end(
  call: ServerWritableStream<Buffer, Buffer>,
  failure: { readonly code: number; readonly details: string },
): void {
  call.emit("error", failure);
}

class Unimplemented extends Error {}

const NO_HEADER = { code: status.INVALID_ARGUMENT, details: `the metadata ${HEADER}: true is missing` };

const hasHeader = (call: Call): boolean => {
  const values = call.metadata.get(HEADER);
  return values.length === 1 && values[0] === "true";
};

function statusOf(error: unknown): { readonly code: number; readonly details: string } {
  if (error instanceof Unimplemented) return { code: status.UNIMPLEMENTED, details: "there are no JWT-SVIDs here" };
  const { grpcStatus, publicMessage } = toCaError(error, "OPTION_INVALID", "the request does not hold");
  return { code: grpcStatus, details: publicMessage };
}
