// Package observe holds the files for Prometheus and Grafana: the rules alerts.yaml with their tests in alerts_test.yaml,
// and dashboard.json. The tests here compare both with the metrics of a running server, and need promtool (Debian:
// prometheus).
package observe
