// A real Vault with its engines for PKI and transit keys, for tests: sealed and empty to begin with, its storage in memory.
//
//	vault --address 127.0.0.1:P --certificate FILE --key FILE
package main

import (
	"flag"
	"net/http"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/logical/pki"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// engines are those that can be mounted.
type engines map[string]logical.Factory

func (e engines) Contains(name string, kind consts.PluginType) bool {
	return kind == consts.PluginTypeSecrets && e[name] != nil
}

func (e engines) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	factory, found := e[name]
	return func() (interface{}, error) { return factory, nil }, found && kind == consts.PluginTypeSecrets
}

func (e engines) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range e {
		if kind == consts.PluginTypeSecrets {
			names = append(names, name)
		}
	}
	return names
}

func (e engines) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, e.Contains(name, kind)
}

func main() {
	address := flag.String("address", "", "host and port")
	certificate := flag.String("certificate", "", "the server's certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	flag.Parse()

	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, logger)
	must(err)
	found := engines{"pki": pki.Factory, "transit": transit.Factory}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		DisableMlock:    true,
		Logger:          logger,
		LogicalBackends: found,
		BuiltinRegistry: found,
	})
	must(err)
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core})
	must(http.ListenAndServeTLS(*address, *certificate, *key, handler))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
