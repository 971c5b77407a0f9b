// Ask a mesh.
export type { Answer, Destination, Outcome, Response, Rewrites, RoutePolicy } from "./answer.ts";
export { type Dumped, type DumpedKind, readConfigDump, resourcesFromConfigDump } from "./config-dump.ts";
// Compare two meshes.
export type { AnswerPart, BehaviourChange } from "./diff/behaviour.ts";
export { type DiffOptions, diff, type ProxyChange } from "./diff/diff.ts";
export type { ResourceEffect } from "./diff/effect.ts";
export type { ResourceChange } from "./diff/resource-change.ts";
export { SimulatorError, type SimulatorErrorCode } from "./error.ts";
export { type EvaluateOptions, evaluate, type Question } from "./evaluate.ts";

// Ask the resources of any Envoy.
export { type Call, evaluateResources } from "./evaluate-resources.ts";
export type { Branch, Closed, Evaluation, Failure, Forward, Reply } from "./evaluation.ts";
// Let endpoints die and come back.
export type { HostMoment, HostState } from "./failover/cluster-clock.ts";
export { type FailoverScenario, failover } from "./failover/failover.ts";
export type { FailoverEvent, Fate } from "./failover/scenario.ts";
export type { DestinationMoment, ExpectedShift, Moment, Part, Timeline } from "./failover/timeline.ts";
export type { Entry } from "./listener/select.ts";
export { type LoadedMesh, type MeshOptions, meshFromYaml, type YamlText } from "./mesh/from-yaml.ts";
export { findNode, UNKNOWN_ADDRESS } from "./mesh/node.ts";
export type { Locate } from "./mesh/positions.ts";
// Ask who can call whom.
export type { PolicyFinding } from "./reach/policy-finding.ts";
export { type Caller, type Reach, type ReachOptions, reach, type Way, type Witness } from "./reach/reach.ts";
// Ask again what was asked before.
export { type RecordedRequests, recordedRequests } from "./replay/recorded.ts";
export { type Replay, replay } from "./replay/replay.ts";
export { type ParsedRequest, parseRequest, type RequestInput } from "./request.ts";
export type { Resources } from "./resources.ts";
export type { SettingChange } from "./settings/difference.ts";
export type { Setting } from "./settings/setting.ts";
export type { Connection, HttpSubject } from "./subject.ts";
export { formatTrace, recordTrace, type Tracer, type TraceSource, type TraceStep } from "./trace.ts";
export { type Effect, type EffectKind, type EffectReason, type EffectRef, whyNoEffect } from "./why-no-effect.ts";
