// Package load starts servers and sends them requests. It costs so little that on two cores the servers dominate the
// figures.
//
//	server, err := load.Start(exec.Command("pfxrd", "serve"))
//	seen, err := load.Load{Address: server.Address, Connections: 64, Duration: 3 * time.Second, Requests: requests}.Run()
//	fmt.Println(seen.PerSecond(), seen.Quantile(0.99), server.CPU())
//
// It needs Linux, for /proc.
package load
