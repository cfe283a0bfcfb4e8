package main

import (
	"errors"
	"go/types"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// formType is the media type of the forms that are decoded.
const formType = "application/x-www-form-urlencoded"

// writeDecoders writes the functions that decode request bodies into the handlers' types.
func (g *generator) writeDecoders(operations []*operation) error {
	var errs []error
	written := map[string]string{}
	for _, o := range operations {
		o.decoders = map[*validate.Body]string{}
		for _, m := range o.Request {
			if b := o.bodies[m]; b != nil {
				if written[b.name] == "" {
					written[b.name] = g.unique("into" + b.name)
					g.writeDecoder(written[b.name], b.typ, "return Decode"+b.name+"(data, v), true")
				}
				o.decoders[m] = written[b.name]
			} else if m.Type == formType && m.Schema != nil && len(m.Spots) == 0 {
				errs = append(errs, g.writeForm(o, m))
			}
		}
	}
	return errors.Join(errs...)
}

func (g *generator) writeDecoder(name string, t types.Type, call string) {
	g.p("func %s(data []byte, into any) (*validate.Faults, bool) {", name)
	g.p("v, ok := into.(*%s)\nif !ok {\nreturn nil, false\n}\n%s\n}\n", g.typ(t), call)
}

// writeForm writes the functions that decode a form, which package validate has converted to JSON.
func (g *generator) writeForm(o *operation, m *validate.Body) error {
	t := g.formModel(o)
	if t == nil {
		g.note(m.Schema.Pointer, "not decoded: the models have no Go type for the form")
		return nil
	}
	s := g.contract.schema(m.Schema)
	if s.title == "" {
		s.title = o.goName + "Form"
	}
	name := g.unique("intoForm" + o.goName)
	o.decoders[m] = name
	read := g.unique("readForm" + o.goName)
	g.writeDecoder(name, t, "return "+read+"(data, v), true")
	g.p("// %s decodes the form of %s, which was found valid.", read, strings.Map(oneLine, o.ID))
	g.p("func %s(data []byte, into *%s) *validate.Faults {", read, g.typ(t))
	g.p("reader := validate.Open(data)\nr := &reader\nr.Admit()\nvar value %s", g.typ(t))
	form := *s.shaped()
	form.text = true
	if err := g.assign("value", t, &form, request); err != nil {
		return err
	}
	g.p("*into = value\nreturn r.Close()\n}\n")
	return nil
}

// formModel returns the Go type of a form in oapi-codegen's handlers; nil if the models have none.
func (g *generator) formModel(o *operation) types.Type {
	for _, suffix := range []string{"FormdataRequestBody", "FormdataBody"} {
		if t, err := g.models.find(o.ID + suffix); err == nil && t != nil {
			return types.Unalias(t.Type())
		}
	}
	return nil
}
