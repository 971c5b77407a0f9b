package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"sort"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/federation"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// fetch TRUST_DOMAIN URL ROOTS [ENDPOINT_ID]: a bundle by https_spiffe, or by https_web where there is no ID.
func fetch(ctx context.Context, domain, url, rootsFile string, endpoint []string) error {
	trustDomain, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return err
	}
	roots, err := x509bundle.Load(trustDomain, rootsFile)
	if err != nil {
		return err
	}
	var how federation.FetchOption
	if len(endpoint) > 0 {
		how = federation.WithSPIFFEAuth(roots, spiffeid.RequireFromString(endpoint[0]))
	} else {
		pool := x509.NewCertPool()
		for _, root := range roots.X509Authorities() {
			pool.AddCert(root)
		}
		how = federation.WithWebPKIRoots(pool)
	}
	bundle, err := federation.FetchBundle(ctx, trustDomain, url, how)
	if err != nil {
		return err
	}
	ids := []string{}
	for id := range bundle.JWTAuthorities() {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	print("bundle", map[string]any{
		"x509": len(bundle.X509Authorities()), "jwt": ids, "sequence": sequence, "hint": int(hint.Seconds()),
	})
	return nil
}

// serve TRUST_DOMAIN BUNDLE CHAIN KEY: a bundle endpoint, until it is killed.
func serve(domain, bundleFile, chainFile, keyFile string) error {
	trustDomain, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return err
	}
	bundle, err := spiffebundle.Load(trustDomain, bundleFile)
	if err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(chainFile, keyFile)
	if err != nil {
		return err
	}
	handler, err := federation.NewHandler(trustDomain, bundle)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	print("url", "https://"+listener.Addr().String()+"/")
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	return server.ServeTLS(listener, "", "")
}

// federate runs one of the two; false: it was asked for neither.
func federate(ctx context.Context) bool {
	var err error
	switch os.Args[1] {
	case "fetch":
		err = fetch(ctx, os.Args[2], os.Args[3], os.Args[4], os.Args[5:])
	case "serve":
		err = serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	default:
		return false
	}
	if err != nil {
		print("error", err.Error())
	}
	return true
}
