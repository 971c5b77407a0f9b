// A real Kubernetes API server in one process, for tests: etcd, kube-apiserver and the EndpointSlice controller, on
// 127.0.0.1 only. What is in --dir stays: a second start on the same folder goes on from there.
//
//	kube --dir D --port P --etcd-port E --etcd-peer-port R --token T
//
// T is the bearer token of a cluster administrator. The serving certificate is D/certs/apiserver.crt. Ends with SIGTERM.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
)

func main() {
	dir := flag.String("dir", "", "folder of everything that is kept")
	port := flag.Int("port", 0, "port of the API server")
	etcdPort := flag.Int("etcd-port", 0, "port of etcd for clients")
	etcdPeerPort := flag.Int("etcd-peer-port", 0, "port of etcd for its peers, of which there are none")
	token := flag.String("token", "", "bearer token of the administrator")
	flag.Parse()

	signingKey := filepath.Join(*dir, "service-accounts.key")
	tokens := filepath.Join(*dir, "tokens.csv")
	must(os.MkdirAll(*dir, 0o700))
	must(writeOnce(signingKey, newSigningKey))
	must(os.WriteFile(tokens, []byte(*token+",admin,admin,\"system:masters\"\n"), 0o600))

	etcdURL := startEtcd(filepath.Join(*dir, "etcd"), *etcdPort, *etcdPeerPort)
	go runEndpointSlices(&rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", *port),
		BearerToken:     *token,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true},
	})

	server := app.NewAPIServerCommand()
	server.SetArgs([]string{
		"--etcd-servers=" + etcdURL,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", *port),
		"--cert-dir=" + filepath.Join(*dir, "certs"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + signingKey,
		"--service-account-signing-key-file=" + signingKey,
		"--service-cluster-ip-range=10.0.0.0/16",
		"--authorization-mode=RBAC",
		"--token-auth-file=" + tokens,
		"--disable-admission-plugins=ServiceAccount",
		"--endpoint-reconciler-type=none",
		"--shutdown-delay-duration=0s",
	})
	os.Exit(cli.Run(server))
}

// startEtcd gives the address for clients, once etcd answers.
func startEtcd(dir string, port, peerPort int) string {
	address := func(port int) url.URL {
		return url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	}
	client, peer := address(port), address(peerPort)
	config := embed.NewConfig()
	config.Dir = dir
	config.LogLevel = "error"
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// Tests end by SIGKILL at worst; what was written to the page cache survives that.
	config.UnsafeNoFsync = true
	etcd, err := embed.StartEtcd(config)
	must(err)
	<-etcd.Server.ReadyNotify()
	return client.String()
}

func runEndpointSlices(config *rest.Config) {
	ctx := context.Background()
	client := kubernetes.NewForConfigOrDie(config)
	for client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() != nil {
		time.Sleep(100 * time.Millisecond)
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller := endpointslice.NewController(ctx,
		factory.Core().V1().Pods(), factory.Core().V1().Services(), factory.Core().V1().Nodes(),
		factory.Discovery().V1().EndpointSlices(), 100, client, 0)
	factory.Start(ctx.Done())
	controller.Run(ctx, 2)
}

func newSigningKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), nil
}

func writeOnce(path string, content func() ([]byte, error)) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	bytes, err := content()
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes, 0o600)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
