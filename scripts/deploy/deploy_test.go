package deploy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// inFlight is the time for requests in flight after the drain delay; see server/LIMITS.md.
const inFlight = 20 * time.Second

// help returns the output of pfxrd serve --help. PFXR_TEST_BIN may have the program.
var help = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "run", "./server/cmd/pfxrd", "serve", "--help")
	if dir := os.Getenv("PFXR_TEST_BIN"); dir != "" {
		cmd = exec.Command(filepath.Join(dir, "pfxrd"), "serve", "--help")
	}
	cmd.Dir = "../.."
	out, err := cmd.Output()
	return string(out), err
})

// checkVariables fails if pfxrd does not read a variable.
func checkVariables(t *testing.T, environment map[string]string) {
	t.Helper()
	text, err := help()
	if err != nil {
		t.Fatalf("pfxrd serve --help: %v", err)
	}
	if len(environment) < 5 {
		t.Errorf("the server has only %d variables", len(environment))
	}
	for name := range environment {
		if name != "PGPASSFILE" && !regexp.MustCompile(`\$`+name+`\b`).MatchString(text) {
			t.Errorf("pfxrd does not read %s", name)
		}
	}
	for _, name := range []string{"PFXR_ISSUER", "PFXR_AUDIENCE", "PGPASSFILE"} {
		if environment[name] == "" {
			t.Errorf("%s is not set", name)
		}
	}
}

// TestCompose loads the file with Compose's own loader, which validates it against the specification's schema.
func TestCompose(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{"compose.yaml"}, cli.WithName("pfxr"))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, err := project.GetService("pfxrd")
	if err != nil {
		t.Fatal(err)
	}
	environment := make(map[string]string)
	for name, value := range server.Environment {
		environment[name] = *value
	}
	checkVariables(t, environment)
	if grace := time.Duration(*server.StopGracePeriod); grace < time.Second+inFlight {
		t.Errorf("Compose kills the server after %v, before it has drained", grace)
	}
	if !server.ReadOnly || len(server.CapDrop) == 0 || len(server.Secrets) == 0 {
		t.Error("the server is not confined, or its password is not a file")
	}
}

// objects decodes the manifests strictly: a field unknown to Kubernetes is an error.
func objects(t *testing.T, manifests []byte) (all []runtime.Object, err error) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{appsv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(manifests)))
	for {
		buffer := make([]byte, 64<<10)
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(buffer[:n], nil, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, object)
	}
}

func manifests(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	all, err := objects(t, manifests(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 4 {
		t.Errorf("the file has %d objects, want 4", len(all))
	}
	deployment, ok := all[0].(*appsv1.Deployment)
	if !ok {
		t.Fatalf("the first object is a %T", all[0])
	}
	pod := deployment.Spec.Template.Spec
	server := pod.Containers[0]
	environment := make(map[string]string)
	for _, variable := range server.Env {
		environment[variable.Name] = variable.Value
	}
	checkVariables(t, environment)
	checkDrain(t, pod, environment["PFXR_DRAIN_DELAY"])
	for name, value := range environment {
		if file, ok := strings.CutPrefix(value, "/run/secrets/"); ok && !isMounted(server, "/run/secrets/"+file) {
			t.Errorf("%s names %s, which is in no volume", name, value)
		}
	}
}

// checkDrain checks that balancers notice a stopping server in time, and that the kubelet does not kill it while it
// drains.
func checkDrain(t *testing.T, pod corev1.PodSpec, delay string) {
	t.Helper()
	drain, err := time.ParseDuration(delay)
	if err != nil {
		t.Fatal(err)
	}
	probe := pod.Containers[0].ReadinessProbe
	if noticed := time.Duration(probe.PeriodSeconds*probe.FailureThreshold) * time.Second; drain <= noticed {
		t.Errorf("the drain delay is %v, the readiness probe fails after %v", drain, noticed)
	}
	if grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second; grace < drain+inFlight {
		t.Errorf("the kubelet kills the server after %v, before it has drained", grace)
	}
}

func isMounted(c corev1.Container, file string) bool {
	for _, mount := range c.VolumeMounts {
		if strings.HasPrefix(file, mount.MountPath+"/") {
			return true
		}
	}
	return false
}

// TestManifestsAreReadStrictly: Kubernetes would silently ignore a misspelt field.
func TestManifestsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for correct, wrong := range map[string]string{
		"readinessProbe:": "readynessProbe:", "runAsNonRoot: true": "runAsNonRoot: yes please", "kind: PodDisruptionBudget": "kind: PodDisruption",
	} {
		text := bytes.Replace(manifests(t), []byte(correct), []byte(wrong), 1)
		if _, err := objects(t, text); err == nil {
			t.Errorf("%s is accepted", wrong)
		}
	}
}
