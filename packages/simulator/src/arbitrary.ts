// Meshes, edits of them, and requests that meet them, for property tests with fast-check.
export { edits, type GeneratedEdit } from "./arbitrary/edit.ts";
export { httpRoutes, type RouteTargets } from "./arbitrary/http-route.ts";
export { type GeneratedMesh, type GeneratedObject, generatedMesh, meshes } from "./arbitrary/mesh.ts";
export { authorizationPolicies, peerAuthentications, trafficPolicies } from "./arbitrary/policy.ts";
export { questions } from "./arbitrary/question.ts";
