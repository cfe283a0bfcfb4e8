package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is the user of the image, as a number: Kubernetes checks runAsNonRoot by it.
const user = 65532

// packImage writes the image for each Linux platform as one OCI layout, in a tar file that registry tools read.
func (r *release) packImage(platforms []platform) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		if p.os != "linux" {
			continue
		}
		image, err := r.imageOf(p)
		if err != nil {
			return fmt.Errorf("image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Platform: &v1.Platform{OS: p.os, Architecture: p.arch},
		}})
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	r.image = digest.Hex
	dir := filepath.Join(r.work, "image")
	all, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := all.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})); err != nil {
		return err
	}
	return create(r.file("image.tar"), func(w io.Writer) error { return r.writeFolder(w, dir) })
}

// writeFolder writes the files below a folder in the order of their names.
func (r *release) writeFolder(w io.Writer, dir string) error {
	var entries []entry
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		entries = append(entries, entry{name: filepath.ToSlash(name), mode: 0o644, path: path})
		return err
	})
	if err != nil {
		return err
	}
	return writeTar(w, entries, r.time)
}

func (r *release) imageOf(p platform) (v1.Image, error) {
	entries, err := r.root(p)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	if err := writeTar(&files, entries, r.time); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(9))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, r.imageConfig(p))
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{Created: v1.Time{Time: r.time}, CreatedBy: "scripts/release"}})
}

// imageConfig makes the API and the admin listener reachable from outside the container; the operator decides which port to
// publish.
func (r *release) imageConfig(p platform) *v1.ConfigFile {
	return &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: v1.Time{Time: r.time},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: fmt.Sprintf("%d:%d", user, user), WorkingDir: "/var/lib/pfxr",
			Entrypoint: []string{"/pfxrd"}, Cmd: []string{"serve"},
			Env: []string{
				"PFXR_LISTEN=0.0.0.0:8080", "PFXR_ADMIN_LISTEN=0.0.0.0:8081", "PFXR_STORE=sqlite:/var/lib/pfxr/pfxr.db",
			},
			ExposedPorts: map[string]struct{}{"8080/tcp": {}, "8081/tcp": {}},
			Volumes:      map[string]struct{}{"/var/lib/pfxr": {}},
			Labels: map[string]string{
				"org.opencontainers.image.title":    "pfxrd",
				"org.opencontainers.image.version":  r.version,
				"org.opencontainers.image.revision": r.commit,
				"org.opencontainers.image.source":   "https://" + module,
				"org.opencontainers.image.licenses": "Apache-2.0 AND MPL-2.0", // the root certificates are Mozilla's
			},
		},
	}
}

// root returns the files of the image: the program, a user, the root certificates for the issuers, and an SBOM.
func (r *release) root(p platform) ([]entry, error) {
	sbom, err := r.sbom(p, "pfxrd")
	if err != nil {
		return nil, err
	}
	const doc = "usr/share/doc/pfxrecryption/"
	var entries []entry
	for _, folder := range strings.Fields("etc etc/ssl etc/ssl/certs usr usr/share usr/share/doc " + doc + " var var/lib") {
		entries = append(entries, entry{name: strings.TrimSuffix(folder, "/") + "/", mode: 0o755})
	}
	return append(entries,
		entry{name: "var/lib/pfxr/", mode: 0o700, owner: user},
		entry{name: "tmp/", mode: 0o1777},
		entry{name: "pfxrd", mode: 0o755, path: filepath.Join(r.programs(p), "pfxrd")},
		entry{name: "etc/passwd", mode: 0o644, text: fmt.Appendf(nil, "root:x:0:0::/:/sbin/nologin\npfxrd:x:%d:%d::/var/lib/pfxr:/sbin/nologin\n", user, user)},
		entry{name: "etc/group", mode: 0o644, text: fmt.Appendf(nil, "root:x:0:\npfxrd:x:%d:\n", user)},
		entry{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, text: authorities()},
		entry{name: doc + "LICENSE", mode: 0o644, path: "LICENSE"},
		entry{name: doc + "THIRD_PARTY_LICENSES", mode: 0o644, path: filepath.Join(r.work, "THIRD_PARTY_LICENSES")},
		entry{name: doc + "sbom.cdx.json", mode: 0o644, text: sbom},
	), nil
}

// authorities returns Mozilla's root certificates without those that Mozilla constrains, because PEM cannot state the
// constraint.
func authorities() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return b.Bytes()
}
