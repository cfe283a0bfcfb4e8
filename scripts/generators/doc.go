// Package generators shows that what teams generate clients with takes the document that pfxrd spec prints: the tools of
// ../package.json, and oapi-codegen. openapi-generator is not among them: no registry that CI reaches has it.
package generators
