//go:build unix

package peek

import "syscall"

// Possible is whether [At] can look.
const Possible = true

// At looks at a socket, given by its file descriptor.
func At(fd uintptr) State {
	var one [1]byte
	n, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK:
		return Silent
	case n > 0:
		return Data
	default:
		return Ended
	}
}
