import type { SubstitutionFormatString, TypedExtensionConfig } from "../../proto/types.ts";
import { typed } from "./typed.ts";

/** The access log line of Istio's proxies, which tools parse. Source: Istio, "Envoy Access Logs". */
export const TEXT_FORMAT = `${[
  "[%START_TIME%]",
  '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"',
  "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%",
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT%',
  '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%"',
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"',
  "%UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS%",
  "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%",
].join(" ")}\n`;

/** The same as a JSON object. */
export const JSON_FORMAT: Readonly<Record<string, unknown>> = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};

/** `%REQ_WITHOUT_QUERY%` is an extension of the format language that must be named. */
export function formatters(...texts: readonly unknown[]): TypedExtensionConfig[] {
  return texts.some((text) => typeof text === "string" && text.includes("%REQ_WITHOUT_QUERY"))
    ? [
        {
          name: "envoy.formatter.req_without_query",
          typedConfig: typed("envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery", {}),
        },
      ]
    : [];
}

const withFormatters = (format: SubstitutionFormatString, found: TypedExtensionConfig[]): SubstitutionFormatString =>
  found.length > 0 ? { ...format, formatters: found } : format;

/** A text format; every line ends in a newline. */
export function textFormat(text: string | undefined, omitEmptyValues: boolean): SubstitutionFormatString {
  const line = text ? (text.endsWith("\n") ? text : `${text}\n`) : TEXT_FORMAT;
  const format = { textFormatSource: { inlineString: line }, ...(omitEmptyValues ? { omitEmptyValues } : {}) };
  return withFormatters(format, formatters(line));
}

/** A JSON format; properties keep the order they are given in. */
export function jsonFormat(
  labels: Readonly<Record<string, unknown>> | undefined,
  omitEmptyValues: boolean,
): SubstitutionFormatString {
  const chosen = labels && Object.keys(labels).length > 0 ? labels : JSON_FORMAT;
  const format = {
    jsonFormat: { ...chosen },
    jsonFormatOptions: { sortProperties: false },
    ...(omitEmptyValues ? { omitEmptyValues } : {}),
  };
  return withFormatters(format, formatters(...Object.values(chosen)));
}
