// Whom does the control plane trust, and who signs for it?

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	year = 365 * 24 * time.Hour
	// Tests may run with a clock that is behind.
	beforeNow = 24 * time.Hour
)

// Pair is a certificate and its private key, in PEM.
type Pair struct {
	Certificate []byte
	Key         []byte
}

// Authority signs for one control plane.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// authority reads the control plane's authority, or makes it when there is none yet.
func (state State) authority() (*Authority, error) {
	certificatePath, keyPath := state.pki("ca.crt"), state.pki("ca.key")
	if _, err := os.Stat(certificatePath); errors.Is(err, os.ErrNotExist) {
		pair, err := newAuthority()
		if err != nil {
			return nil, err
		}
		if err := pair.write(certificatePath, keyPath); err != nil {
			return nil, err
		}
	}
	certificate, err := readPEM(certificatePath)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(keyPath)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certificatePath, err)
	}
	private, err := x509.ParseECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keyPath, err)
	}
	return &Authority{certificate: parsed, key: private}, nil
}

func newAuthority() (Pair, error) {
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	template, err := newTemplate(pkix.Name{CommonName: "pogu test control plane"}, 10*year)
	if err != nil {
		return Pair{}, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature
	return sign(template, template, key, key)
}

// server signs for a server that is reached at the names and addresses.
func (authority *Authority) server(name string, names []string, addresses []net.IP) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: name}, year)
	if err != nil {
		return Pair{}, err
	}
	template.DNSNames = names
	template.IPAddresses = addresses
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	return authority.issue(template)
}

// client signs for a user as the API server knows them: the name and the groups of the subject.
// A validity below zero is a certificate that has expired.
func (authority *Authority) client(user string, groups []string, valid time.Duration) (Pair, error) {
	template, err := newTemplate(pkix.Name{CommonName: user, Organization: groups}, valid)
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return authority.issue(template)
}

// trusted are those who sign for servers here.
func (state State) trusted() (*x509.CertPool, error) {
	text, err := os.ReadFile(state.pki("ca.crt"))
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(text)
	return authorities, nil
}

func (authority *Authority) issue(template *x509.Certificate) (Pair, error) {
	key, err := newKey()
	if err != nil {
		return Pair{}, err
	}
	return sign(template, authority.certificate, key, authority.key)
}

func sign(template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (Pair, error) {
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return Pair{}, fmt.Errorf("sign for %s: %w", template.Subject, err)
	}
	encodedKey, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Certificate: encodePEM("CERTIFICATE", certificate), Key: encodedKey}, nil
}

func newTemplate(subject pkix.Name, valid time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(min(valid, 0) - beforeNow),
		NotAfter:     now.Add(valid),
	}, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return encodePEM("EC PRIVATE KEY", encoded), nil
}

// makeServiceAccountKeys makes the pair that tokens of ServiceAccounts are signed with, when there
// is none yet: another one would make tokens of before a restart useless.
func (state State) makeServiceAccountKeys() error {
	private, public := state.pki("sa.key"), state.pki("sa.pub")
	if _, err := os.Stat(public); err == nil {
		return nil
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return err
	}
	encodedPublic, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode a public key: %w", err)
	}
	return Pair{Certificate: encodePEM("PUBLIC KEY", encodedPublic), Key: encoded}.write(public, private)
}

// write makes both files; the certificate last, so that where it is, the key is too.
func (pair Pair) write(certificatePath, keyPath string) error {
	if err := os.MkdirAll(filepath.Dir(keyPath), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(keyPath, pair.Key, 0o600); err != nil {
		return err
	}
	return os.WriteFile(certificatePath, pair.Certificate, 0o644)
}

func encodePEM(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}

func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: not PEM", path)
	}
	return block.Bytes, nil
}
