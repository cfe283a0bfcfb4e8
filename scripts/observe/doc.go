// Package observe holds what an operator puts into Prometheus and Grafana: alerts.yaml, the rules, with their tests in
// alerts_test.yaml, and dashboard.json. The tests here hold both against the metrics of a running server, and need promtool
// (Debian: prometheus).
package observe
