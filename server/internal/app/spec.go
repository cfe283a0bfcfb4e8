package app

import (
	"errors"
	"io"
	"net/url"

	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/bundle"
)

type specCommand struct {
	JSON   bool   `env:"-" name:"json" help:"Print JSON instead of YAML."`
	Server string `env:"-" placeholder:"URL" help:"The absolute address of the server with its base path, such as https://graph.example.com/beta, for generators that reject a relative address. It replaces /beta in the document."`
}

// Run prints the document as one file, with references to other files resolved.
func (c *specCommand) Run(stdout io.Writer) error {
	document, err := bundle.Read(openapi.Document, openapi.Examples)
	if err != nil {
		return err
	}
	if c.Server != "" {
		if err := replaceServers(document.Content[0], c.Server); err != nil {
			return err
		}
	}
	write := bundle.YAML
	if c.JSON {
		write = bundle.JSON
	}
	text, err := write(document)
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}

func replaceServers(document *yaml.Node, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("--server must be http or https with a host, without user, query or fragment: https://graph.example.com/beta")
	}
	servers := memberOf(document, "servers")
	if servers == nil {
		return errors.New("the document has no servers")
	}
	return servers.Encode([]map[string]string{{"url": address}})
}

// memberOf returns the value of a mapping's member, or nil.
func memberOf(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}
