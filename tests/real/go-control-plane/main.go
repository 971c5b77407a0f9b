// A discovery server made of go-control-plane's snapshot cache, with two clusters, their endpoints, a listener and its routes for
// every node. Prints its address; ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listener "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	route "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/anypb"
)

type oneGroup struct{}

func (oneGroup) ID(*core.Node) string { return "all" }

func ads() *core.ConfigSource {
	return &core.ConfigSource{
		ResourceApiVersion:    core.ApiVersion_V3,
		ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}},
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func snapshot() *cache.Snapshot {
	var clusters, endpoints []types.Resource
	for _, name := range []string{"a", "b"} {
		clusters = append(clusters, &cluster.Cluster{
			Name:                 name,
			ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
			EdsClusterConfig:     &cluster.Cluster_EdsClusterConfig{EdsConfig: ads()},
		})
		endpoints = append(endpoints, &endpoint.ClusterLoadAssignment{ClusterName: name})
	}
	manager := must(anypb.New(&hcm.HttpConnectionManager{
		StatPrefix: "http",
		RouteSpecifier: &hcm.HttpConnectionManager_Rds{
			Rds: &hcm.Rds{RouteConfigName: "routes", ConfigSource: ads()},
		},
	}))
	http := &listener.Listener{
		Name: "http",
		Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
			Address:       "127.0.0.1",
			PortSpecifier: &core.SocketAddress_PortValue{PortValue: 80},
		}}},
		FilterChains: []*listener.FilterChain{{Filters: []*listener.Filter{{
			Name:       "http",
			ConfigType: &listener.Filter_TypedConfig{TypedConfig: manager},
		}}}},
	}
	return must(cache.NewSnapshot("1", map[resource.Type][]types.Resource{
		resource.ClusterType:  clusters,
		resource.EndpointType: endpoints,
		resource.ListenerType: {http},
		resource.RouteType:    {&route.RouteConfiguration{Name: "routes"}},
	}))
}

func main() {
	snapshots := cache.NewSnapshotCache(true, oneGroup{}, nil)
	if err := snapshots.SetSnapshot(context.Background(), "all", snapshot()); err != nil {
		must(0, err)
	}
	listening := must(net.Listen("tcp", "127.0.0.1:0"))
	grpcServer := grpc.NewServer()
	discovery.RegisterAggregatedDiscoveryServiceServer(grpcServer, server.NewServer(context.Background(), snapshots, nil))
	go func() { must(0, grpcServer.Serve(listening)) }()
	fmt.Println("at", listening.Addr())
	must(io.Copy(io.Discard, os.Stdin))
}
