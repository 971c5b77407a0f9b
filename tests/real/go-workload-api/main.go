// Talks to a SPIFFE Workload API with go-spiffe and prints what it gets, one JSON object a line.
//
//	go-workload-api SOCKET AUDIENCE     everything once, then each change of the X.509 context
//	go-workload-api SOCKET              the error that there is without an identity
//	go-workload-api fetch|serve …       federation, see there
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/jwtbundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func print(kind string, value any) {
	line, err := json.Marshal(map[string]any{"kind": kind, "value": value})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

type watcher struct{}

func roots(set *x509bundle.Set) map[string]int {
	found := map[string]int{}
	for _, bundle := range set.Bundles() {
		found[bundle.TrustDomain().Name()] = len(bundle.X509Authorities())
	}
	return found
}

func (watcher) OnX509ContextUpdate(update *workloadapi.X509Context) {
	svid := update.DefaultSVID()
	raw := [][]byte{}
	for _, certificate := range svid.Certificates {
		raw = append(raw, certificate.Raw)
	}
	id, _, err := x509svid.ParseAndVerify(raw, update.Bundles)
	print("x509", map[string]any{
		"id": svid.ID.String(), "verified": err == nil && id == svid.ID, "bundles": roots(update.Bundles),
		"serial": svid.Certificates[0].SerialNumber.Text(16),
	})
}

func (watcher) OnX509ContextWatchError(err error) { print("watch-error", err.Error()) }

func keys(set *jwtbundle.Set) map[string][]string {
	found := map[string][]string{}
	for _, bundle := range set.Bundles() {
		ids := []string{}
		for id := range bundle.JWTAuthorities() {
			ids = append(ids, id)
		}
		sort.Strings(ids)
		found[bundle.TrustDomain().Name()] = ids
	}
	return found
}

func everything(ctx context.Context, client *workloadapi.Client, audience string) error {
	bundles, err := client.FetchX509Bundles(ctx)
	if err != nil {
		return err
	}
	print("x509-bundles", roots(bundles))
	svid, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: audience})
	if err != nil {
		return err
	}
	jwtBundles, err := client.FetchJWTBundles(ctx)
	if err != nil {
		return err
	}
	print("jwt-bundles", keys(jwtBundles))
	local, err := jwtsvid.ParseAndValidate(svid.Marshal(), jwtBundles, []string{audience})
	if err != nil {
		return err
	}
	remote, err := client.ValidateJWTSVID(ctx, svid.Marshal(), audience)
	if err != nil {
		return err
	}
	print("jwt", map[string]any{
		"id": local.ID.String(), "remote": remote.ID.String(), "audience": local.Audience,
		"seconds": int(time.Until(local.Expiry).Seconds()), "token": svid.Marshal(),
	})
	_, err = client.ValidateJWTSVID(ctx, svid.Marshal(), "somebody-else")
	print("other-audience", fmt.Sprint(err))
	return nil
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	if federate(ctx) {
		return
	}
	client, err := workloadapi.New(ctx, workloadapi.WithAddr("unix://"+os.Args[1]))
	if err != nil {
		print("error", err.Error())
		os.Exit(1)
	}
	defer client.Close()
	if len(os.Args) < 3 {
		_, err := client.FetchX509SVID(ctx)
		print("error", fmt.Sprint(err))
		return
	}
	if err := everything(ctx, client, os.Args[2]); err != nil {
		print("error", err.Error())
		os.Exit(1)
	}
	if err := client.WatchX509Context(ctx, watcher{}); err != nil {
		print("error", err.Error())
	}
}
