package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

// prove writes an in-toto statement with a SLSA provenance: which files were built from which commit by which Go version.
// The publisher signs it.
func (r *release) prove() error {
	subjects, err := r.subjects()
	if err != nil {
		return err
	}
	predicate, err := r.predicate()
	if err != nil {
		return err
	}
	statement := &intoto.Statement{
		Type: intoto.StatementTypeUri, Subject: subjects,
		PredicateType: "https://slsa.dev/provenance/v1", Predicate: predicate,
	}
	if err := statement.Validate(); err != nil {
		return fmt.Errorf("provenance: %w", err)
	}
	text, err := protojson.Marshal(statement)
	if err != nil {
		return err
	}
	var b bytes.Buffer // protojson varies its white space on purpose
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	return os.WriteFile(r.file("provenance.intoto.json"), b.Bytes(), 0o644)
}

// subjects returns every file so far, and the image with its registry digest.
func (r *release) subjects() ([]*intoto.ResourceDescriptor, error) {
	sums, err := digests(r.out)
	if err != nil {
		return nil, err
	}
	var all []*intoto.ResourceDescriptor
	for _, s := range sums {
		all = append(all, &intoto.ResourceDescriptor{Name: s.name, Digest: map[string]string{"sha256": s.sum}})
	}
	return append(all, &intoto.ResourceDescriptor{Name: "image", Digest: map[string]string{"sha256": r.image}}), nil
}

func (r *release) predicate() (*structpb.Struct, error) {
	external, err := structpb.NewStruct(map[string]any{"version": r.version, "script": "scripts/release.sh"})
	if err != nil {
		return nil, err
	}
	internal, err := structpb.NewStruct(map[string]any{"go": r.goVersion})
	if err != nil {
		return nil, err
	}
	p := &provenance.Provenance{
		BuildDefinition: &provenance.BuildDefinition{
			BuildType: "https://" + module + "/scripts/release", ExternalParameters: external, InternalParameters: internal,
			ResolvedDependencies: []*intoto.ResourceDescriptor{{Uri: "git+https://" + module, Digest: map[string]string{"gitCommit": r.commit}}},
		},
		RunDetails: &provenance.RunDetails{Builder: &provenance.Builder{Id: "https://" + module + "/scripts/release"}},
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("provenance: %w", err)
	}
	text, err := protojson.Marshal(p)
	if err != nil {
		return nil, err
	}
	predicate := new(structpb.Struct)
	return predicate, protojson.Unmarshal(text, predicate)
}

type digest struct{ name, sum string }

// digests returns the SHA-256 of each file of a folder, in the order of their names.
func digests(dir string) ([]digest, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []digest
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		all = append(all, digest{f.Name(), hex.EncodeToString(sum[:])})
	}
	return all, nil
}

// sum writes the checksums of all files, in the format of sha256sum.
func (r *release) sum() error {
	sums, err := digests(r.out)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	for _, s := range sums {
		fmt.Fprintf(&b, "%s  %s\n", s.sum, s.name)
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), b.Bytes(), 0o644)
}
