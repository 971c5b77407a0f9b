import { type Call, GrpcError, type Method, type ServerStream, STATUS } from "@fairlead/grpc";
import { parseSpiffeId } from "@fairlead/model";
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
  readonly methods: readonly Method[];
  /** Ends all streams with UNAVAILABLE. */
  close(): void;
}

/** Without this header a request may come from a browser that was sent there (Workload API, section 4). */
const HEADER = "workload.spiffe.io";
const path = (name: string): string => `/SpiffeWorkloadAPI/${name}`;

/**
 * The SPIFFE Workload API of one workload, for `listenGrpc` of `@fairlead/grpc` (or a grpc-js server by its `grpcJsService`) on a
 * Unix socket that only this workload may open: who can open it is who it says. Streams send anew after every change. UNAVAILABLE while there is no certificate yet, so that
 * clients wait; the standard's PERMISSION_DENIED would be for good.
 */
export function workloadApiService(options: WorkloadApiServiceOptions): WorkloadApiService {
  const { agent, jwt, clock = systemClock } = options;
  const answers = workloadAnswers(options);
  const streams = new Map<ServerStream, () => void>();
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

  const stream = (name: string, answer: () => Buffer): Method => ({
    kind: "stream",
    path: path(name),
    open(out) {
      demandHeader(out.call);
      let last: Buffer | undefined;
      const send = () => {
        try {
          const next = answer();
          if (last?.equals(next)) return;
          last = next;
          out.write(next);
        } catch (error) {
          streams.delete(out);
          out.end(asGrpcError(error).status);
        }
      };
      return {
        // The request has no fields.
        message() {
          if (streams.has(out)) return;
          streams.set(out, send);
          send();
        },
        halfClosed() {
          if (!streams.has(out)) out.end({ code: STATUS.invalidArgument, details: "there is no request" });
        },
        closed: () => void streams.delete(out),
      };
    },
  });
  const unary = (name: string, answer: (request: Buffer) => Promise<Buffer>): Method => ({
    kind: "unary",
    path: path(name),
    answer(request, call) {
      demandHeader(call);
      return answer(request).catch((error: unknown) => {
        throw asGrpcError(error);
      });
    },
  });
  const fetchJwtSvid = async (request: Buffer): Promise<Buffer> => {
    const { audiences, spiffeId } = decodeJwtSvidRequest(request);
    if (jwt === undefined) throw new GrpcError(STATUS.unimplemented, "there are no JWT-SVIDs here");
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
    methods: [
      stream("FetchX509SVID", answers.x509Svids),
      stream("FetchX509Bundles", answers.x509Bundles),
      stream("FetchJWTBundles", answers.jwtBundles),
      unary("FetchJWTSVID", fetchJwtSvid),
      unary("ValidateJWTSVID", validateJwtSvid),
    ],
    close() {
      for (const stop of unsubscribe) stop();
      for (const out of streams.keys()) out.end({ code: STATUS.unavailable, details: "the agent ends" });
      streams.clear();
    },
  };
}

function demandHeader(call: Call): void {
  const values = call.metadata(HEADER);
  if (values.length !== 1 || values[0] !== "true")
    throw new GrpcError(STATUS.invalidArgument, `the metadata ${HEADER}: true is missing`);
}

function asGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const { grpcStatus, publicMessage } = toCaError(error, "OPTION_INVALID", "the request does not hold");
  return new GrpcError(grpcStatus, publicMessage, { cause: error });
}
