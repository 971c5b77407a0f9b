// Configuration over xDS with the messages of istio.io/api, for tests:
//
//	fields         prints every field of every message and every value of every enum
//	watch ADDRESS  asks for all kinds as istiod's client does; prints all objects after each change
//	serve          takes objects from standard input and serves them as istiod does; prints its address
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"sort"
	"strings"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	_ "istio.io/api/extensions/v1alpha1"
	mcp "istio.io/api/mcp/v1alpha1"
	_ "istio.io/api/networking/v1alpha3"
	_ "istio.io/api/networking/v1beta1"
	_ "istio.io/api/security/v1beta1"
	_ "istio.io/api/telemetry/v1alpha1"
)

// Type URL to message.
var kinds = map[string]string{}

func init() {
	for group, names := range map[string]string{
		"networking.istio.io/v1 istio.networking.v1alpha3":       "VirtualService DestinationRule Gateway ServiceEntry WorkloadEntry WorkloadGroup Sidecar",
		"networking.istio.io/v1alpha3 istio.networking.v1alpha3": "EnvoyFilter",
		"networking.istio.io/v1beta1 istio.networking.v1beta1":   "ProxyConfig",
		"security.istio.io/v1 istio.security.v1beta1":            "AuthorizationPolicy PeerAuthentication RequestAuthentication",
		"telemetry.istio.io/v1 istio.telemetry.v1alpha1":         "Telemetry",
		"extensions.istio.io/v1alpha1 istio.extensions.v1alpha1": "WasmPlugin TrafficExtension",
	} {
		served, pkg, _ := strings.Cut(group, " ")
		for _, name := range strings.Fields(names) {
			kinds[served+"/"+name] = pkg + "." + name
		}
	}
}

type object struct {
	TypeURL     string            `json:"typeUrl"`
	Name        string            `json:"name"`
	Version     string            `json:"version,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Created     string            `json:"created,omitempty"`
	Spec        json.RawMessage   `json:"spec"`
}

func main() {
	switch os.Args[1] {
	case "fields":
		fields()
	case "watch":
		watch(os.Args[2])
	case "serve":
		serve()
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func fields() {
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(string(file.Package()), "istio.") {
			messages(file.Messages())
			enums(file.Enums())
		}
		return true
	})
}

func messages(all protoreflect.MessageDescriptors) {
	for i := 0; i < all.Len(); i++ {
		message := all.Get(i)
		if message.IsMapEntry() {
			continue
		}
		for j := 0; j < message.Fields().Len(); j++ {
			field := message.Fields().Get(j)
			label, value := "", field
			switch {
			case field.IsMap():
				label, value = "m:"+field.MapKey().Kind().String(), field.MapValue()
			case field.IsList():
				label = "r"
			case field.HasPresence() && field.Kind() != protoreflect.MessageKind:
				label = "o"
			}
			kind := value.Kind().String()
			if value.Message() != nil {
				kind = string(value.Message().FullName())
			} else if value.Enum() != nil {
				kind = string(value.Enum().FullName())
			}
			oneof := ""
			if group := field.ContainingOneof(); group != nil && !group.IsSynthetic() {
				oneof = string(group.Name())
			}
			fmt.Println(message.FullName(), field.Number(), field.Name(), kind, label, oneof)
		}
		messages(message.Messages())
		enums(message.Enums())
	}
}

func enums(all protoreflect.EnumDescriptors) {
	for i := 0; i < all.Len(); i++ {
		for j := 0; j < all.Get(i).Values().Len(); j++ {
			value := all.Get(i).Values().Get(j)
			fmt.Println(all.Get(i).FullName(), value.Number(), value.Name(), "", "", "")
		}
	}
}

func watch(address string) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	stream, err := discovery.NewAggregatedDiscoveryServiceClient(conn).StreamAggregatedResources(context.Background())
	check(err)
	metadata, _ := structpb.NewStruct(map[string]any{"GENERATOR": "api", "ISTIO_VERSION": "65536.65536.65536"})
	node := &core.Node{Id: "sidecar~127.0.0.1~istiod-1.istio-system~istio-system.svc.cluster.local", Metadata: metadata}
	asked := []string{"core/v1alpha1/MeshConfig", "gateway.networking.k8s.io/v1/HTTPRoute"}
	for typeURL := range kinds {
		asked = append(asked, typeURL)
	}
	for _, typeURL := range asked {
		// istiod's client sends the time as the nonce of its first requests.
		check(stream.Send(&discovery.DiscoveryRequest{Node: node, TypeUrl: typeURL, ResponseNonce: "2026-01-01 00:00:00"}))
	}
	have := map[string][]object{}
	for {
		response, err := stream.Recv()
		check(err)
		objects := []object{}
		for _, resource := range response.Resources {
			envelope := &mcp.Resource{}
			check(resource.UnmarshalTo(envelope))
			body, err := envelope.Body.UnmarshalNew()
			check(err)
			if got := string(body.ProtoReflect().Descriptor().FullName()); got != kinds[response.TypeUrl] {
				log.Fatalf("%s: a %s", response.TypeUrl, got)
			}
			unknown(body.ProtoReflect())
			spec, err := protojson.Marshal(body)
			check(err)
			made := object{TypeURL: response.TypeUrl, Name: envelope.Metadata.Name, Version: envelope.Metadata.Version,
				Labels: envelope.Metadata.Labels, Annotations: envelope.Metadata.Annotations, Spec: spec}
			if time := envelope.Metadata.CreateTime; time != nil {
				made.Created = time.AsTime().Format("2006-01-02T15:04:05Z")
			}
			objects = append(objects, made)
		}
		have[response.TypeUrl] = objects
		check(stream.Send(&discovery.DiscoveryRequest{Node: node, TypeUrl: response.TypeUrl,
			VersionInfo: response.VersionInfo, ResponseNonce: response.Nonce}))
		if len(have) == len(asked) {
			all := []object{}
			for _, objects := range have {
				all = append(all, objects...)
			}
			sort.Slice(all, func(i, j int) bool { return all[i].TypeURL+all[i].Name < all[j].TypeURL+all[j].Name })
			check(json.NewEncoder(os.Stdout).Encode(all))
		}
	}
}

// Bytes that istio.io/api has no field for must not be.
func unknown(message protoreflect.Message) {
	if len(message.GetUnknown()) > 0 {
		log.Fatalf("%s: unknown fields", message.Descriptor().FullName())
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := 0; i < value.List().Len(); i++ {
				unknown(value.List().Get(i).Message())
			}
		case field.IsMap():
			if field.MapValue().Message() != nil {
				value.Map().Range(func(_ protoreflect.MapKey, item protoreflect.Value) bool { unknown(item.Message()); return true })
			}
		default:
			unknown(value.Message())
		}
		return true
	})
}

type server struct {
	discovery.UnimplementedAggregatedDiscoveryServiceServer
	resources map[string][]*anypb.Any
}

func (s *server) StreamAggregatedResources(stream discovery.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	for nonce := 0; ; nonce++ {
		request, err := stream.Recv()
		if err != nil {
			return err
		}
		if request.VersionInfo != "" || request.ErrorDetail != nil {
			continue
		}
		err = stream.Send(&discovery.DiscoveryResponse{TypeUrl: request.TypeUrl, VersionInfo: "1",
			Nonce: fmt.Sprint(nonce), Resources: s.resources[request.TypeUrl]})
		if err != nil {
			return err
		}
	}
}

func serve() {
	var objects []object
	check(json.NewDecoder(os.Stdin).Decode(&objects))
	made := &server{resources: map[string][]*anypb.Any{}}
	for _, one := range objects {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(kinds[one.TypeURL]))
		check(err)
		body := kind.New().Interface()
		check(protojson.Unmarshal(one.Spec, body))
		spec, err := anypb.New(body)
		check(err)
		// Go's zero time, as istiod sends it where there is none.
		envelope, err := anypb.New(&mcp.Resource{Body: spec, Metadata: &mcp.Metadata{Name: one.Name, Version: "1",
			CreateTime: &timestamppb.Timestamp{Seconds: -62135596800}, Labels: one.Labels, Annotations: one.Annotations}})
		check(err)
		made.resources[one.TypeURL] = append(made.resources[one.TypeURL], envelope)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr())
	grpcServer := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, made)
	check(grpcServer.Serve(listener))
}
