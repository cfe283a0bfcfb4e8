package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// traceFlush is how long the last spans may take to be sent.
const traceFlush = 5 * time.Second

// openTracing returns what sends spans by OTLP over HTTP: to endpoint, or to where OpenTelemetry's own variables say; nil if
// neither says anything. The variables also say the sampler, header fields and the name of the service.
func openTracing(ctx context.Context, endpoint string, log *slog.Logger) (*sdktrace.TracerProvider, error) {
	var options []otlptracehttp.Option
	switch {
	case endpoint != "":
		options = append(options, otlptracehttp.WithEndpointURL(strings.TrimSuffix(endpoint, "/")+"/v1/traces"))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return nil, nil //nolint:nilnil // no tracing is a setting, too
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("opening --otlp-endpoint: %w", err)
	}
	self, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "pfxrd-gateway")), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	// The library has one place for the errors of a process, and writes them past the log otherwise.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans were not sent", "err", err) }))
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(self)), nil
}

// closeTracing sends the last spans. A collector that is not there does not keep the program from ending well.
func closeTracing(p *sdktrace.TracerProvider, log *slog.Logger) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), traceFlush)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		log.Warn("the last spans were not sent", "err", err)
	}
}
