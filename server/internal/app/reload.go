package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reloads counts attempts to reload files.
type reloads struct {
	total      *prometheus.CounterVec
	successful *prometheus.GaugeVec
}

func newReloads(registry prometheus.Registerer) *reloads {
	r := &reloads{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: metricsNamespace, Name: "reloads_total", Help: "Attempts to reload a file, by its content and the result.",
		}, []string{"what", "result"}),
		successful: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: metricsNamespace, Name: "last_reload_successful", Help: "1 if the last attempt to reload the file succeeded, else 0.",
		}, []string{"what"}),
	}
	registry.MustRegister(r.total, r.successful)
	return r
}

func (r *reloads) count(what string, err error) {
	result, successful := "ok", 1.0
	if err != nil {
		result, successful = "failed", 0
	}
	r.total.WithLabelValues(what, result).Inc()
	r.successful.WithLabelValues(what).Set(successful)
}

// reloaded counts an attempt to reload a file, and logs it unless nothing changed.
func (h *host) reloaded(what string, changed bool, err error) {
	h.reloads.count(what, err)
	switch {
	case err != nil:
		h.log.Error(what+" not reloaded: the current one stays in effect", "err", err)
	case changed:
		h.log.Info(what + " reloaded")
	}
}

// onReload registers reload: it is called with always=false when one of files has changed, and with always=true on SIGHUP.
// Empty names are ignored. The host itself reloads the certificate.
func (h *host) onReload(reload func(ctx context.Context, always bool), files ...string) {
	h.reload, h.files = reload, append(h.files, files...)
}

func (h *host) watch(ctx context.Context, w *watcher) {
	w.run(ctx, h.log, h.hangups, func(always bool) {
		if h.certificate != nil {
			changed, err := h.certificate.load(time.Now())
			h.reloaded("certificate", changed || always, err)
		}
		if h.reload != nil {
			h.reload(ctx, always)
		}
	})
}
