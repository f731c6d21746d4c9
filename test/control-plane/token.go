// How does a ServiceAccount come by a token that lives for as long as a test wants?

package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// issuer is who signs for tokens.
const issuer = "https://kubernetes.default.svc.cluster.local"

// printToken makes a token as the API server does, with its key and its code. The API itself gives
// none for less than ten minutes.
func printToken(arguments []string) error {
	flags, state := newFlags("token")
	account := flags.String("account", "", "the ServiceAccount, as NAMESPACE/NAME")
	uid := flags.String("uid", "", "the uid of that object")
	valid := flags.Duration("valid", time.Hour, "how long; below zero, it has expired")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	namespace, name, found := strings.Cut(*account, "/")
	if !found || *uid == "" {
		return fmt.Errorf("no account is named\nhint: --account NAMESPACE/NAME --uid UID")
	}
	path := state.pki("sa.key")
	encoded, err := readPEM(path)
	if err != nil {
		return err
	}
	key, err := x509.ParseECPrivateKey(encoded)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	generator, err := serviceaccount.JWTTokenGenerator(issuer, key)
	if err != nil {
		return err
	}
	of := core.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(*uid)},
	}
	seconds := int64(valid.Seconds())
	claims, private, err := serviceaccount.Claims(of, nil, nil, nil, seconds, 0, []string{issuer})
	if err != nil {
		return err
	}
	token, err := generator.GenerateToken(context.Background(), claims, private)
	if err != nil {
		return fmt.Errorf("sign a token: %w", err)
	}
	fmt.Print(token)
	return nil
}
