package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const method = "/istio.v1.auth.IstioCertificateService/CreateCertificate"

// bytesCodec leaves messages as they are: no time is lost in reflection, on this side of the comparison either.
type bytesCodec struct{}

func (bytesCodec) Marshal(v any) ([]byte, error)      { return *v.(*[]byte), nil }
func (bytesCodec) Unmarshal(data []byte, v any) error { *v.(*[]byte) = append([]byte(nil), data...); return nil }
func (bytesCodec) Name() string                       { return "proto" }

var _ encoding.Codec = bytesCodec{}

func requestOf(message []byte) (string, error) {
	for len(message) > 0 {
		number, kind, length := protowire.ConsumeTag(message)
		if length < 0 {
			return "", errors.New("malformed")
		}
		message = message[length:]
		if number == 1 && kind == protowire.BytesType {
			text, n := protowire.ConsumeString(message)
			if n < 0 {
				return "", errors.New("malformed")
			}
			return text, nil
		}
		n := protowire.ConsumeFieldValue(number, kind, message)
		if n < 0 {
			return "", errors.New("malformed")
		}
		message = message[n:]
	}
	return "", nil
}

func (a *authority) create(ctx context.Context, message []byte) ([]byte, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	if got := headers.Get("authorization"); len(got) != 1 || got[0] != "Bearer "+identity {
		return nil, status.Error(codes.Unauthenticated, "request authenticate failure")
	}
	request, err := requestOf(message)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	leaf, err := a.sign(request, identity)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	response := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), leaf)
	return protowire.AppendString(protowire.AppendTag(response, 1, protowire.BytesType), a.root), nil
}

func serve() error {
	a, err := newAuthority()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.ForceServerCodec(bytesCodec{}))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "istio.v1.auth.IstioCertificateService",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "CreateCertificate",
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var message []byte
				if err := decode(&message); err != nil {
					return nil, err
				}
				answer, err := a.create(ctx, message)
				return &answer, err
			},
		}},
	}, struct{}{})
	fmt.Println(listener.Addr())
	return server.Serve(listener)
}
