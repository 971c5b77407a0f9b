"""A gRPC program without a proxy: `server ADDRESS` answers its name; `client TARGET HEADER` asks once a line of input."""

import concurrent.futures
import sys

import grpc
import grpc.experimental

PATH = "/test.Backend/Who"


def serve(address):
    answer = grpc.unary_unary_rpc_method_handler(lambda request, context: b"python")
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), xds=True)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Backend", {"Who": answer})])
    server.add_secure_port(address, grpc.xds_server_credentials(grpc.insecure_server_credentials()))
    server.start()
    print("started", flush=True)
    sys.stdin.read()
    server.stop(0)


def ask(target):
    credentials = grpc.xds_channel_credentials(grpc.experimental.insecure_channel_credentials())
    with grpc.secure_channel(target, credentials) as channel:
        who = channel.unary_unary(PATH)
        print("started", flush=True)
        for line in sys.stdin:
            metadata = [tuple(pair.split("=", 1)) for pair in line.split()]
            try:
                print(who(b"", metadata=metadata, timeout=3, wait_for_ready=False).decode(), flush=True)
            except grpc.RpcError as error:
                print(error.code().name, flush=True)


{"server": serve, "client": ask}[sys.argv[1]](sys.argv[2])
