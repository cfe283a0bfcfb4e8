package upstream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"strings"
	"syscall"
	"time"
)

// maxHead is the length of the head of an answer in bytes, and of its trailers.
const maxHead = 32 << 10

// conn is a connection to the upstream. One request at a time uses it.
type conn struct {
	net.Conn
	secured bool            // by TLS
	raw     syscall.RawConn // of the TCP connection; nil if it has none
	peek    func(fd uintptr) bool
	silent  bool // what peek found
	in      *bufio.Reader
	out     []byte // the request
	answer  head
	sent    error      // what sending the request has come to, unless it is being sent
	sending chan error // gets that error; nil unless the body comes in pieces
	used    time.Time
	fresh   bool   // no request has used it before
	written bool   // something of the answer was, and not flushed
	flush   func() // sends on to the caller what waits to be sent; nil for nothing
}

func newConn(c, tcp net.Conn) *conn {
	n := &conn{Conn: c, secured: c != tcp, out: make([]byte, 0, 2048), fresh: true}
	n.in = bufio.NewReaderSize(n, maxHead)
	if sc, ok := tcp.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			n.raw = raw
			n.peek = func(fd uintptr) bool {
				n.silent = isSilent(fd)
				return true
			}
		}
	}
	return n
}

// Read may wait for the upstream: what came before goes on to the caller first.
func (c *conn) Read(p []byte) (int, error) {
	if c.flush != nil {
		c.flush()
	}
	return c.Conn.Read(p)
}

// follow has what was written to w flushed before the next wait, until the function that it returns is called. The head of
// a body of unknown length is worth a flush of its own.
func (c *conn) follow(controller *http.ResponseController) (end func()) {
	c.written = c.answer.length < 0
	c.flush = func() {
		if c.written {
			c.written = false
			_ = controller.Flush() // a writer that cannot sends at the end
		}
	}
	return func() { c.flush = nil }
}

// write writes a piece of the answer to the caller.
func (c *conn) write(w io.Writer, p []byte) (int, error) {
	c.written = true
	return w.Write(p)
}

// quiet reports whether the upstream has neither closed the connection nor said a word that nobody asked for: such bytes
// would be taken for the answer to the next request.
func (c *conn) quiet() bool {
	if c.in.Buffered() > 0 {
		return false
	}
	c.fresh = false
	if c.raw != nil && (c.raw.Read(c.peek) != nil || !c.silent) {
		return false
	}
	return !c.secured || c.nothingDecrypted()
}

// nothingDecrypted reports whether crypto/tls holds no record of the upstream's: it reads as much as there is from the
// socket, and hands out one record at a time. The deadline that is over keeps it from the socket.
func (c *conn) nothingDecrypted() bool {
	_ = c.SetReadDeadline(time.Unix(1, 0)) // a closed connection says so when it is read
	_, err := c.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func (c *conn) close() { _ = c.Conn.Close() } // there is nothing more to learn from it

var errHeadTooLarge = errors.New("the head of the answer is too large")

// readHead reads the head of the answer to a request, or of an interim one (RFC 9110 §15.2).
func (c *conn) readHead(isHEAD bool) error {
	block, err := c.readBlock()
	if err != nil {
		return err
	}
	if err := c.answer.parse(string(block), isHEAD); err != nil {
		return err
	}
	_, _ = c.in.Discard(len(block)) // it is buffered
	return nil
}

var endOfHead = []byte("\r\n\r\n")

// readBlock returns the bytes up to the first empty line, which it leaves in the buffer.
func (c *conn) readBlock() ([]byte, error) {
	for seen := 0; ; {
		if _, err := c.in.Peek(max(seen, c.in.Buffered()-1) + 1); err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return nil, errHeadTooLarge
			}
			return nil, fmt.Errorf("reading the head of the answer: %w", err)
		}
		block, _ := c.in.Peek(c.in.Buffered())
		if end := bytes.Index(block[max(0, seen-3):], endOfHead); end >= 0 {
			return block[:max(0, seen-3)+end+len(endOfHead)], nil
		}
		seen = len(block)
	}
}

// body returns the body that a head announces.
func (c *conn) body() io.Reader {
	switch h := &c.answer; {
	case h.chunked:
		return &chunked{Reader: httputil.NewChunkedReader(c.in), conn: c}
	case h.length >= 0:
		return &exactly{c.in, h.length}
	}
	return c.in
}

// exactly reads n bytes; an end before them is an error.
type exactly struct {
	in   *bufio.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.in.Read(p)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// chunked reads a body in chunks, and the trailers behind it.
type chunked struct {
	io.Reader
	conn *conn
}

func (c *chunked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		if trailers := c.conn.readTrailers(); trailers != nil {
			return n, trailers
		}
	}
	return n, err
}

func (c *conn) readTrailers() error {
	for size := 0; size < maxHead; {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("reading trailers: %w", noEOF(err))
		}
		if string(line) == "\r\n" {
			return nil
		}
		f, ok := parseField(strings.TrimSuffix(string(line), "\r\n")) // a bare LF is left, and invalid
		if !ok {
			return fmt.Errorf("%w: a trailer", errMalformed) // others could see the end of the answer elsewhere
		}
		c.answer.trailers = append(c.answer.trailers, f)
		size += len(line)
	}
	return errHeadTooLarge
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
