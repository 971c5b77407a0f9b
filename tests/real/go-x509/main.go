// Verifies X.509-SVIDs with go-spiffe and with crypto/x509, and prints what they say as JSON.
//
//	go-x509 TRUST_DOMAIN ROOTS CHAIN KEY
package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

type answer struct {
	// What go-spiffe reads from the leaf once the chain is verified.
	ID string `json:"id"`
	// Lengths of the verified chains, leaf and root included.
	Chains []int `json:"chains"`
	// What crypto/x509 says for both directions of TLS.
	Server bool `json:"server"`
	Client bool `json:"client"`
	// Whether a TLS 1.3 handshake between two holders of the certificate succeeds.
	Handshake string `json:"handshake"`
	Algorithm string `json:"algorithm"`
}

func verify(domain, rootsFile, chainFile, keyFile string) (*answer, error) {
	trustDomain, err := spiffeid.TrustDomainFromString(domain)
	if err != nil {
		return nil, err
	}
	bundle, err := x509bundle.Load(trustDomain, rootsFile)
	if err != nil {
		return nil, err
	}
	// Load checks that the key is the leaf's and that the chain has the form of an SVID.
	svid, err := x509svid.Load(chainFile, keyFile)
	if err != nil {
		return nil, err
	}
	raw := make([][]byte, len(svid.Certificates))
	for index, certificate := range svid.Certificates {
		raw[index] = certificate.Raw
	}
	id, chains, err := x509svid.ParseAndVerify(raw, bundle)
	if err != nil {
		return nil, err
	}
	made := &answer{ID: id.String(), Algorithm: svid.Certificates[0].PublicKeyAlgorithm.String()}
	for _, chain := range chains {
		made.Chains = append(made.Chains, len(chain))
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range bundle.X509Authorities() {
		roots.AddCert(root)
	}
	for _, certificate := range svid.Certificates[1:] {
		intermediates.AddCert(certificate)
	}
	usable := func(usage x509.ExtKeyUsage) bool {
		_, err := svid.Certificates[0].Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{usage},
		})
		return err == nil
	}
	made.Server, made.Client = usable(x509.ExtKeyUsageServerAuth), usable(x509.ExtKeyUsageClientAuth)
	made.Handshake, err = handshake(svid, bundle)
	return made, err
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: go-x509 TRUST_DOMAIN ROOTS CHAIN KEY")
		os.Exit(2)
	}
	made, err := verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(made)
}
