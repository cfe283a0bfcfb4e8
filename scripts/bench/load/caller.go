//go:build linux

package load

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Caller sends requests over one connection, one after another.
type Caller struct {
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to an address.
func Dial(address string) (*Caller, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Caller{conn, bufio.NewReaderSize(conn, 16<<10)}, nil
}

// Close closes the connection.
func (c *Caller) Close() error { return c.conn.Close() }

// Call sends a request and waits for the response, which must be 200.
func (c *Caller) Call(request []byte) error {
	length, err := c.send(request)
	if err != nil {
		return err
	}
	_, err = c.in.Discard(length)
	return err
}

// Body is like Call and returns the body of the response.
func (c *Caller) Body(request []byte) ([]byte, error) {
	length, err := c.send(request)
	if err != nil {
		return nil, err
	}
	body := make([]byte, length)
	_, err = io.ReadFull(c.in, body)
	return body, err
}

// send sends a request, reads the head of the response and returns the length of its body.
func (c *Caller) send(request []byte) (int, error) {
	if _, err := c.conn.Write(request); err != nil {
		return 0, err
	}
	status, err := c.in.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return 0, err
	}
	refused := string(status) != "HTTP/1.1 200"
	if refused {
		status = bytes.Clone(status)
	}
	length, err := readHead(c.in)
	if err == nil && refused {
		body, _ := io.ReadAll(io.LimitReader(c.in, int64(min(length, 1000)))) // an incomplete body is shown, too
		err = fmt.Errorf("answered with %q: %s", status, body)
	}
	return length, err
}

// SkipMessage reads a message with a Content-Length or without a body.
func SkipMessage(in *bufio.Reader) error {
	length, err := readHead(in)
	if err == nil {
		_, err = in.Discard(length)
	}
	return err
}

// readHead reads the head of a message and returns its Content-Length; 0 if there is none.
func readHead(in *bufio.Reader) (int, error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 && !first {
			return length, nil
		}
		if value, ok := cutField(line, "content-length:"); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
		if _, ok := cutField(line, "transfer-encoding:"); ok {
			return 0, fmt.Errorf("a message without Content-Length cannot be read")
		}
	}
}

// cutField returns the value of a line's header field if it has the name, given in lower case with a colon.
func cutField(line []byte, name string) ([]byte, bool) {
	if len(line) < len(name) || line[len(name)-1] != ':' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return line[len(name):], true
}
