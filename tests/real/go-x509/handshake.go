package main

import (
	"crypto/tls"
	"errors"
	"net"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// handshake lets two holders of the certificate meet over a pipe and gives the protocol they agree on.
func handshake(svid *x509svid.SVID, bundle *x509bundle.Bundle) (string, error) {
	authorize := tlsconfig.AuthorizeID(svid.ID)
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	config := tlsconfig.MTLSServerConfig(svid, bundle, authorize)
	// Nobody reads a ticket from the pipe.
	config.SessionTicketsDisabled = true
	server := tls.Server(far, config)
	client := tls.Client(near, tlsconfig.MTLSClientConfig(svid, bundle, authorize))
	served := make(chan error, 1)
	go func() { served <- server.Handshake() }()
	if err := errors.Join(client.Handshake(), <-served); err != nil {
		return "", err
	}
	return tls.VersionName(client.ConnectionState().Version), nil
}
