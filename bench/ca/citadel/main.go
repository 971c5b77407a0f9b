// Citadel's work in Go, to measure beside: "core SECONDS" signs, "serve" answers CreateCertificate, "load ADDRESS SECONDS"
// asks for certificates, 16 at a time over 4 connections.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
)

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func core(seconds float64) error {
	a, err := newAuthority()
	if err != nil {
		return err
	}
	request, err := newRequest()
	if err != nil {
		return err
	}
	for range 200 {
		if _, err := a.sign(request, identity); err != nil {
			return err
		}
	}
	start, count := cpu(), 0
	for cpu()-start < seconds {
		for range 50 {
			if _, err := a.sign(request, identity); err != nil {
				return err
			}
			count++
		}
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"perCpuSecond": float64(count) / (cpu() - start)})
}

func load(address string, seconds float64) error {
	request, err := newRequest()
	if err != nil {
		return err
	}
	message := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), request)
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var count, failed atomic.Int64
	var callers sync.WaitGroup
	for range 4 {
		connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(bytesCodec{})))
		if err != nil {
			return err
		}
		defer connection.Close()
		for range 4 {
			callers.Add(1)
			go func() {
				defer callers.Done()
				ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", "Bearer "+identity)
				for time.Now().Before(until) {
					var answer []byte
					if err := connection.Invoke(ctx, method, &message, &answer); err != nil || len(answer) < 500 {
						failed.Add(1)
						fmt.Fprintln(os.Stderr, err, len(answer))
						return
					}
					count.Add(1)
				}
			}()
		}
	}
	callers.Wait()
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{"issued": count.Load(), "failed": failed.Load()})
}

func main() {
	seconds := func(at int) float64 {
		value, err := strconv.ParseFloat(os.Args[at], 64)
		if err != nil {
			panic(err)
		}
		return value
	}
	var err error
	switch os.Args[1] {
	case "core":
		err = core(seconds(2))
	case "serve":
		err = serve()
	case "load":
		err = load(os.Args[2], seconds(3))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
