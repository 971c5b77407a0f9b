"""Calls the server of packages/grpc with gRPC's C core: prints one line of JSON for each case."""

import json
import sys

import grpc

channel = grpc.insecure_channel(sys.argv[1], options=[("grpc.max_receive_message_length", -1)])
unary = lambda name: channel.unary_unary("/t.T/" + name)  # messages are bytes on both sides
stream = lambda name: channel.stream_stream("/t.T/" + name)


def outcome(work):
    try:
        return work()
    except grpc.RpcError as error:
        trailers = {key: value if isinstance(value, str) else value.hex() for key, value in error.trailing_metadata()}
        return {"code": error.code().name, "details": error.details(), "trailers": trailers}


def text(value):
    return {"bytes": len(value), "head": value[:20].decode()}


def cancelled():
    call = unary("Hang").future(b"x")
    call.cancel()
    return call.code().name


def bidi(compression=None):
    messages = [bytes([65 + at]) * (at * 10_000 + 1) for at in range(20)]
    return [len(answer) for answer in stream("Echo")(iter(messages), compression=compression)]


def ended():
    answers = []
    try:
        for answer in stream("Echo")(iter([b"a", b"end"])):
            answers.append(answer.decode())
    except grpc.RpcError as error:
        return answers + [error.code().name, error.details()]


def server_stream():
    return [len(answer) for answer in channel.unary_stream("/t.T/Count")(b"30")]


big = b"0123456789" * 300_000
cases = {
    "unary": lambda: text(unary("Say")(b"hello")),
    "empty": lambda: text(unary("Say")(b"")),
    "large": lambda: text(unary("Say")(big)),
    "too large": lambda: unary("Say")(big * 2),
    "gzip": lambda: text(unary("Say")(big, compression=grpc.Compression.Gzip)),
    "deflate": lambda: text(unary("Say")(big, compression=grpc.Compression.Deflate)),
    "gzip that expands too far": lambda: unary("Say")(bytes(50_000_000), compression=grpc.Compression.Gzip),
    "status": lambda: unary("Fail")(b""),
    "metadata": lambda: json.loads(unary("Metadata")(b"", metadata=[("x-a", "1"), ("x-a", "2"), ("x-bin", b"\x00\xff")])),
    "deadline": lambda: unary("Hang")(b"", timeout=0.2),
    "cancelled": cancelled,
    "unknown": lambda: unary("Nothing")(b""),
    "bidi": bidi,
    "bidi gzip": lambda: bidi(grpc.Compression.Gzip),
    "ended by the server": ended,
    "server stream": server_stream,
}
for name, work in cases.items():
    print(json.dumps([name, outcome(work)]), flush=True)
