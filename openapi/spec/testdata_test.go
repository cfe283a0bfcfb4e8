package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// TestDocuments reads documents in common styles. It lists the ends of the places that cannot be checked; everything
// else is checked.
func TestDocuments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		file       string
		operations int
		judged     int // operations without a spot
		spots      []string
	}{
		{"assistant.yaml", 4, 2, []string{"text~1event-stream/schema", "vectors/get/parameters/2"}},
		{"chat.yaml", 5, 5, nil},
		{"cluster.json", 4, 2, []string{"application~1vnd.cluster.protobuf/schema", "application~1vnd.cluster.protobuf;stream=watch/schema", "200/content/application~1yaml/schema", "application~1apply-patch+yaml/schema"}},
		{"directory.yaml", 4, 4, nil},
		{"files.yaml", 5, 4, []string{"application~1yaml/schema"}},
		{"identity.yaml", 4, 4, nil},
		{"messaging.yaml", 5, 4, []string{"text~1event-stream/schema"}},
		{"payments.yaml", 3, 2, []string{"text~1csv/schema"}},
		{"pets.yaml", 5, 4, []string{"requestBody/content/application~1xml/schema", "responses/200/content/application~1xml/schema"}},
		{"trains.yaml", 5, 2, []string{"application~1xml/schema", "application~1x-ndjson/schema", "multipart~1mixed/schema"}},
		{"../../openapi.yaml", 6, 6, nil},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			t.Parallel()
			d := loadFile(t, tt.file)
			judged := 0
			for _, o := range d.Operations {
				if spotsOf(o) == 0 {
					judged++
				}
			}
			if len(d.Operations) != tt.operations || judged != tt.judged {
				t.Errorf("got %d operations, %d of them without a spot; want %d and %d", len(d.Operations), judged, tt.operations, tt.judged)
			}
			for i, s := range d.Spots {
				if i >= len(tt.spots) || !strings.HasSuffix(s.Pointer, tt.spots[i]) {
					t.Errorf("got the spot %v", s)
				}
			}
			if len(d.Spots) != len(tt.spots) {
				t.Errorf("got %d spots, want %d", len(d.Spots), len(tt.spots))
			}
		})
	}
}

func loadFile(t *testing.T, name string) *Document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(data))
}

// spotsOf counts the parts of an operation that cannot be checked.
func spotsOf(o *validate.Operation) int {
	count := len(o.Spots)
	for _, p := range o.Parameters {
		if p.Spot != nil {
			count++
		}
	}
	bodies := o.Request
	for _, r := range o.Responses {
		bodies = append(bodies, r.Bodies...)
	}
	for _, b := range bodies {
		count += len(b.Spots)
	}
	return count
}

// TestOurContract tests the properties of our contract on which its generated code relies.
func TestOurContract(t *testing.T) {
	t.Parallel()
	d := loadFile(t, "../../openapi.yaml")
	if len(d.Warnings) != 0 {
		t.Errorf("got the warnings %v", d.Warnings)
	}
	if got, want := basePathsText(d.BasePaths), "/beta"; got != want {
		t.Errorf("got the base paths %s, want %s", got, want)
	}
	system := 0
	for _, p := range d.Operations[0].Parameters {
		if p.System {
			system++
		}
	}
	if system != 5 {
		t.Errorf("got %d system query options, want 5", system)
	}
	update := d.Component("pfxRecryptionRequestUpdate", Request)
	if update == nil || update.IgnoreMembers == nil || update.IgnoreMaxDepth != 8 {
		t.Fatalf("got %+v; want x-ignore-members and x-ignore-maxDepth", update)
	}
	for _, p := range update.Properties {
		if p.Name == "thumbprint" && (p.Schema.MaxBytes == nil || p.Schema.Types != validate.Null|validate.String) {
			t.Errorf("thumbprint is %s, want a string of bounded bytes, or null", show(p.Schema))
		}
	}
}
