// Package nginx holds an example for operators, nginx.conf, and the test that runs it.
package nginx
