/**
 * A WebAssembly module that speaks Envoy's ABI (proxy-wasm 0.2.1) and adds one header to every request; as a filter of
 * connections it lets all pass. Written out byte by byte, so that no compiler is needed.
 */
export function headerModule(header: string, value: string): Uint8Array {
  const I32 = 0x7f;
  const type = (parameters: number, results: number) => [
    0x60,
    ...vector(repeat(parameters)),
    ...vector(repeat(results)),
  ];
  const repeat = (count: number) => Array.from({ length: count }, () => [I32]);
  const types = [type(0, 0), type(2, 0), type(3, 1), type(1, 1), type(5, 1)];
  const constant = (number: number) => [0x41, ...signed(number)];
  const body = (...code: number[]) => {
    const whole = [0x00, ...code, 0x0b];
    return [...unsigned(whole.length), ...whole];
  };
  const [key, text] = [new TextEncoder().encode(header), new TextEncoder().encode(value)];
  // Function 0 is the import; exports count from 1.
  const functions: readonly (readonly [name: string, type: number, body: number[]])[] = [
    ["proxy_abi_version_0_2_1", 0, body()],
    ["proxy_on_memory_allocate", 3, body(...constant(1024))],
    ["proxy_on_context_create", 1, body()],
    [
      "proxy_on_request_headers",
      2,
      body(
        ...constant(0),
        ...constant(0),
        ...constant(key.length),
        ...constant(key.length),
        ...constant(text.length),
        ...[0x10, 0x00, 0x1a],
        ...constant(0),
      ),
    ],
  ];
  const exports = [[...name("memory"), 0x02, 0x00], ...functions.map(([of], index) => [...name(of), 0x00, index + 1])];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(2, vector([[...name("env"), ...name("proxy_add_header_map_value"), 0x00, 4]])),
    ...section(3, vector(functions.map(([, of]) => [of]))),
    ...section(5, vector([[0x00, 0x01]])),
    ...section(7, vector(exports)),
    ...section(10, vector(functions.map(([, , code]) => code))),
    ...section(11, vector([[0x00, ...constant(0), 0x0b, ...unsigned(key.length + text.length), ...key, ...text]])),
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  return value < 64 ? [value] : [(value & 127) | 128, ...signed(value >> 7)];
}
