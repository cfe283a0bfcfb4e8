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

	"github.com/pfxrecryption/pfxrecryption/server/internal/peek"
)

// maxHead bounds the header and the trailers of a response, in bytes.
const maxHead = 32 << 10

// conn is a connection to the upstream, used by one request at a time.
type conn struct {
	net.Conn
	secured bool            // by TLS
	raw     syscall.RawConn // of the TCP connection; nil if unavailable
	look    func(fd uintptr) bool
	seen    peek.State // by look
	in      *bufio.Reader
	out     []byte // the request
	answer  head
	sent    int        // how many bytes of the first write were sent
	unsent  error      // why the request was not sent completely, once sending has ended
	sending chan error // receives that error; nil unless the body is streamed
	born    time.Time
	expires time.Time // when an unused connection is closed
	fresh   bool      // no request has used it yet
	written bool      // part of the response was written but not flushed
	flush   func()    // flushes the response to the client; nil if there is none

	// longer extends a deadline that has passed, and reports whether it could. It is nil unless the response is a stream.
	longer func() bool
}

func newConn(c, tcp net.Conn) *conn {
	n := &conn{Conn: c, secured: c != tcp, out: make([]byte, 0, 2048), fresh: true, born: time.Now()}
	n.in = bufio.NewReaderSize(n, maxHead)
	if sc, ok := tcp.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			n.raw = raw
			n.look = func(fd uintptr) bool {
				n.seen = peek.At(fd)
				return true
			}
		}
	}
	return n
}

// Read flushes what came before to the client, because it may wait for the upstream.
func (c *conn) Read(p []byte) (int, error) {
	if c.flush != nil {
		c.flush()
	}
	for {
		n, err := c.Conn.Read(p)
		if c.longer == nil || !errors.Is(err, os.ErrDeadlineExceeded) || !c.longer() {
			return n, err
		}
	}
}

// follow flushes w before each wait, until end is called. A body of unknown length has its header flushed at once.
func (c *conn) follow(controller *http.ResponseController) (end func()) {
	c.written = c.answer.length < 0
	c.flush = func() {
		if c.written {
			c.written = false
			_ = controller.Flush() // a writer that cannot flush sends at the end
		}
	}
	return func() { c.flush = nil }
}

// write writes a piece of the response to the client.
func (c *conn) write(w io.Writer, p []byte) (int, error) {
	c.written = true
	return w.Write(p)
}

// quiet reports whether the upstream has neither closed the connection nor sent unsolicited bytes, which would be taken for
// the next response.
func (c *conn) quiet() bool {
	if c.in.Buffered() > 0 {
		return false
	}
	c.fresh = false
	if c.raw != nil && (c.raw.Read(c.look) != nil || c.seen == peek.Data || c.seen == peek.Ended) {
		return false
	}
	return !c.secured || c.nothingDecrypted()
}

// nothingDecrypted reports whether crypto/tls holds no record: it reads all available bytes from the socket but returns one
// record at a time. The expired deadline keeps it from reading the socket.
func (c *conn) nothingDecrypted() bool {
	_ = c.SetReadDeadline(time.Unix(1, 0)) // reading reports a closed connection
	_, err := c.in.Peek(1)
	return errors.Is(err, os.ErrDeadlineExceeded)
}

func (c *conn) close() { _ = c.Conn.Close() } // an error changes nothing

var errHeadTooLarge = errors.New("the header of the response is too large")

// readHead reads the header of a response, or of an interim one (RFC 9110 §15.2).
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

// readBlock returns the bytes up to the first empty line and leaves them in the buffer.
func (c *conn) readBlock() ([]byte, error) {
	for seen := 0; ; {
		if _, err := c.in.Peek(max(seen, c.in.Buffered()-1) + 1); err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return nil, errHeadTooLarge
			}
			return nil, fmt.Errorf("reading the header of the response: %w", err)
		}
		block, _ := c.in.Peek(c.in.Buffered())
		if end := bytes.Index(block[max(0, seen-3):], endOfHead); end >= 0 {
			return block[:max(0, seen-3)+end+len(endOfHead)], nil
		}
		if hasBareLF(block) {
			return nil, fmt.Errorf("%w: a line without CR", errMalformed) // and perhaps no end to wait for
		}
		seen = len(block)
	}
}

func hasBareLF(block []byte) bool {
	for i, b := range block {
		if b == '\n' && (i == 0 || block[i-1] != '\r') {
			return true
		}
	}
	return false
}

// body returns the body that the header announces.
func (c *conn) body() io.Reader {
	switch h := &c.answer; {
	case h.chunked:
		return &chunked{Reader: httputil.NewChunkedReader(c.in), conn: c}
	case h.length >= 0:
		return &exactly{c.in, h.length}
	}
	return c.in
}

// exactly reads n bytes; an earlier end is an error.
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

// chunked reads a chunked body and its trailers.
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
		f, ok := parseField(strings.TrimSuffix(string(line), "\r\n")) // a bare LF stays and is invalid
		if !ok {
			return fmt.Errorf("%w: a trailer", errMalformed) // others could see the end of the response elsewhere
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
