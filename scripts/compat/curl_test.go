package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// curl is the command line tool, which retries throttled requests.
type curl struct{ baseURL, token string }

func newCurl(_ *testing.T, baseURL, token string) caller { return curl{baseURL, token} }

func (c curl) get(ctx context.Context, id string) outcome { return c.call(ctx, id) }

func (c curl) patch(ctx context.Context, id, body, ifMatch string) outcome {
	args := []string{"-X", "PATCH", "-H", "Content-Type: application/json", "--data-binary", body}
	if ifMatch != "" {
		args = append(args, "-H", "If-Match: "+ifMatch)
	}
	return c.call(ctx, id, args...)
}

func (c curl) call(ctx context.Context, id string, args ...string) outcome {
	args = append(args, "-sS", "--retry", "5", "-H", "Authorization: Bearer "+c.token, "-w", "\n%{http_code}\n%header{etag}",
		c.baseURL+"/pfxRecryptionRequests/"+id)
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "curl", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return outcome{Unknown: true, Message: stderr.String()}
	}
	lines := strings.Split(string(out), "\n")
	n := len(lines)
	// The output has the bodies of all tries; the last one counts.
	var body json.RawMessage
	for d := json.NewDecoder(strings.NewReader(lines[n-3])); d.More(); {
		if err := d.Decode(&body); err != nil {
			return outcome{Unknown: true, Message: err.Error()}
		}
	}
	status, err := strconv.Atoi(lines[n-2])
	if err != nil {
		return outcome{Unknown: true, Message: err.Error()}
	}
	if status == 200 {
		return success(lines[n-1], body)
	}
	return refusal(status, body)
}
