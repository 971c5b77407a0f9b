// The two ends of configuration over xDS as istiod has them, for tests:
//
//	watch ADDRESS  istiod's client of another control plane; prints what its store holds after each change
//	serve FILE     istiod's discovery server over the objects of a file; prints its address, and deletes the
//	               DestinationRules that standard input names (NAME NAMESPACE)
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"istio.io/istio/pilot/pkg/config/memory"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/adsc"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvk"
)

func main() {
	if os.Args[1] == "watch" {
		watch(os.Args[2])
	} else {
		serve(os.Args[2])
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type object struct {
	Kind      string          `json:"kind"`
	Name      string          `json:"name"`
	Namespace string          `json:"namespace"`
	Spec      json.RawMessage `json:"spec"`
}

func watch(address string) {
	client, err := adsc.New(address, &adsc.ADSConfig{
		InitialDiscoveryRequests: adsc.ConfigInitialRequests(),
		Config: adsc.Config{
			Namespace: "istio-system",
			Workload:  "istiod-1",
			Meta:      model.NodeMetadata{Generator: "api"}.ToStruct(),
		},
	})
	check(err)
	store := memory.Make(collections.Pilot)
	controller := memory.NewController(store)
	controller.RegisterHasSyncedHandler(client.HasSynced)
	client.Store = controller
	check(client.Run())
	go controller.Run(make(chan struct{}))
	for last := ""; ; time.Sleep(20 * time.Millisecond) {
		if !client.HasSynced() {
			continue
		}
		objects := []object{}
		for _, schema := range collections.Pilot.All() {
			for _, one := range store.List(schema.GroupVersionKind(), "") {
				spec, err := config.ToJSON(one.Spec)
				check(err)
				objects = append(objects, object{one.GroupVersionKind.Kind, one.Name, one.Namespace, spec})
			}
		}
		text, err := json.Marshal(objects)
		check(err)
		if string(text) != last {
			last = string(text)
			fmt.Println("have", last)
		}
	}
}

func serve(file string) {
	text, err := os.ReadFile(file)
	check(err)
	var listener net.Listener
	server := xds.NewFakeDiscoveryServer(failer{}, xds.FakeOptions{
		ConfigString: string(text),
		ListenerBuilder: func() (net.Listener, error) {
			listener, err = net.Listen("tcp", "127.0.0.1:0")
			return listener, err
		},
	})
	fmt.Println("at", listener.Addr())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		name, namespace, _ := strings.Cut(lines.Text(), " ")
		check(server.Store().Delete(gvk.DestinationRule, name, namespace, nil))
	}
}

// Stands for a test of Go's.
type failer struct{}

func (failer) Fail()                             { panic("failed") }
func (failer) FailNow()                          { panic("failed") }
func (failer) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (failer) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (failer) Log(...any)                        {}
func (failer) Logf(string, ...any)               {}
func (failer) TempDir() string                   { return os.TempDir() }
func (failer) Helper()                           {}
func (failer) Cleanup(func())                    {}
func (failer) Skip(...any)                       {}
