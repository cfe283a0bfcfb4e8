// Package generators shows that common client generators accept the document that pfxrd spec prints: the tools of
// ../package.json, and oapi-codegen. openapi-generator is missing, because no registry that CI can reach has it.
package generators
