// Package deploy has examples of running pfxrd in containers; its tests parse them as Compose and Kubernetes do.
package deploy
