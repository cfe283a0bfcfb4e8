package main

import (
	"fmt"
	"maps"
)

// equivalent is a change that does not alter the document's meaning, at each of some places, with the proof.
type equivalent struct {
	why      string
	pointers []string
	changes  []string
}

// equivalents are all mutants that may survive.
var equivalents = []*equivalent{
	{
		why: "A header field or a query option is text, which cannot represent null.",
		pointers: []string{
			"/components/parameters/top/schema/nullable", "/components/parameters/skiptoken/schema/nullable",
			"/components/parameters/count/schema/nullable", "/components/parameters/select/schema/nullable",
			"/components/parameters/filter/schema/nullable", "/components/parameters/preferReturn/schema/nullable",
			"/components/parameters/ifNoneMatch/schema/nullable",
			"/components/parameters/clientRequestId/schema/nullable", "/components/parameters/ifMatch/schema/nullable",
			"/components/parameters/ifNoneMatchCreate/schema/nullable", "/components/parameters/prefer/schema/nullable",
		},
		changes: []string{"added as true"},
	},
	{
		why: "A name that starts with @ has an @ in it: ^@|@ and @ match the same names. The document keeps both halves " +
			"because the specification names two kinds of annotations.",
		pointers: []string{
			"/components/schemas/pfxRecryptionRequestUpdate/x-ignore-members",
			"/components/schemas/pfxRecryptionRequestCreate/x-ignore-members",
		},
		changes: []string{"without alternative ^@ (part 1)", "anchor dropped (part 3)"},
	},
	{
		why: "The format edm-int32 has the same bounds, and validategen omits a bound that the format implies: " +
			"the format rejects values outside, whether the bound is wider or absent.",
		pointers: []string{"/components/schemas/int32/minimum"},
		changes:  []string{"dropped", "moved to -2147483649"},
	},
	{
		why:      "As for the minimum.",
		pointers: []string{"/components/schemas/int32/maximum"},
		changes:  []string{"dropped", "moved to 2147483648"},
	},
	{
		why:      "As for the maximum of int32: the format int64 has the same bound.",
		pointers: []string{"/components/schemas/pfxRecryptionRequestCollection/properties/@odata.count/maximum"},
		changes:  []string{"dropped", "moved to 9223372036854775808"},
	},
	{
		why: "Every text of the format uuid matches the pattern, and still does if the pattern matches more. " +
			"validategen proves that by inclusion of the automata and writes no check of the pattern: the code is the same.",
		pointers: []string{"/components/schemas/guid/pattern"},
		changes:  []string{"dropped", "anchor dropped (part 2)", "anchor dropped (part 17)"},
	},
	{
		why:      "As for the pattern of guid, with the format edm-datetimeoffset.",
		pointers: []string{"/components/schemas/dateTimeOffset/pattern"},
		changes: []string{
			"dropped", "anchor dropped (part 2)", "anchor dropped (part 69)",
			`more than one allowed of (:[0-5][0-9](\.[0-9]{1,12})?) (part 38)`, `more than one allowed of (\.[0-9]{1,12}) (part 44)`,
			"least of {1,12} moved by -1 (part 48)", "most of {1,12} moved by 1 (part 48)",
		},
	},
	{
		why: "The models stay those of the document: the field is an edm.Guid, whose parser has the grammar of the format uuid. " +
			"The type rejects any text that the format rejects, as a fault of the same keyword.",
		pointers: []string{
			"/components/schemas/pfxRecryptionRequestUpdate/properties/tenantId", "/components/schemas/pfxRecryptionRequestUpdate/properties/userId",
			"/components/schemas/pfxRecryptionRequestUpdate/properties/deviceId", "/components/schemas/pfxRecryptionRequestUpdate/properties/profileId",
			"/components/schemas/pfxRecryptionRequest/properties/tenantId", "/components/schemas/pfxRecryptionRequest/properties/userId",
			"/components/schemas/pfxRecryptionRequest/properties/deviceId", "/components/schemas/pfxRecryptionRequest/properties/profileId",
			"/components/schemas/pfxRecryptionRequestCreate/properties/tenantId", "/components/schemas/pfxRecryptionRequestCreate/properties/userId",
			"/components/schemas/pfxRecryptionRequestCreate/properties/deviceId", "/components/schemas/pfxRecryptionRequestCreate/properties/profileId",
			"/components/schemas/pfxRecryptionRequestSelection/properties/tenantId", "/components/schemas/pfxRecryptionRequestSelection/properties/userId",
			"/components/schemas/pfxRecryptionRequestSelection/properties/deviceId", "/components/schemas/pfxRecryptionRequestSelection/properties/profileId",
			"/components/schemas/innerError/properties/request-id", "/components/schemas/innerError/properties/client-request-id",
		},
		changes: []string{"made any string"},
	},
	{
		why: "As for the GUIDs: the field is an edm.DateTimeOffset, whose grammar is that of the format edm-datetimeoffset.",
		pointers: []string{
			"/components/schemas/pfxRecryptionRequestUpdate/properties/createdTime", "/components/schemas/pfxRecryptionRequestUpdate/properties/lastModifiedTime",
			"/components/schemas/pfxRecryptionRequestCreate/properties/createdTime", "/components/schemas/pfxRecryptionRequestCreate/properties/lastModifiedTime",
			"/components/schemas/pfxRecryptionRequestSelection/properties/createdTime", "/components/schemas/pfxRecryptionRequestSelection/properties/lastModifiedTime",
			"/components/schemas/pfxRecryptionRequest/properties/createdTime", "/components/schemas/pfxRecryptionRequest/properties/lastModifiedTime",
		},
		changes: []string{"made any string"},
	},
	{
		why: "The models stay those of the document: the Go type holds only values of the dropped type, and rejects others as " +
			"a fault of the type.",
		pointers: []string{
			"/components/parameters/clientRequestId/schema/type",
			"/components/parameters/filter/schema/type",
			"/components/parameters/ifMatch/schema/type",
			"/components/parameters/ifNoneMatch/schema/type",
			"/components/parameters/ifNoneMatchCreate/schema/type",
			"/components/parameters/prefer/schema/type",
			"/components/parameters/preferReturn/schema/type",
			"/components/parameters/select/schema/type",
			"/components/parameters/skiptoken/schema/type",
			"/components/schemas/batch/type",
			"/components/schemas/batch/properties/requests/type",
			"/components/schemas/batchHeaders/type",
			"/components/schemas/batchHeaders/additionalProperties/type",
			"/components/schemas/batchId/type",
			"/components/schemas/batchRequest/type",
			"/components/schemas/batchRequest/properties/dependsOn/type",
			"/components/schemas/batchRequest/properties/url/type",
			"/components/schemas/batchResponse/type",
			"/components/schemas/batchResponse/properties/headers/type",
			"/components/schemas/batchResponse/properties/headers/additionalProperties/type",
			"/components/schemas/batchResult/type",
			"/components/schemas/batchResult/properties/responses/type",
			"/components/schemas/boolean/type",
			"/components/schemas/dateTimeOffset/type",
			"/components/schemas/error/properties/error/properties/code/type",
			"/components/schemas/error/properties/error/properties/details/type",
			"/components/schemas/error/properties/error/properties/message/type",
			"/components/schemas/error/properties/error/type",
			"/components/schemas/error/type",
			"/components/schemas/errorDetail/properties/code/type",
			"/components/schemas/errorDetail/properties/message/type",
			"/components/schemas/errorDetail/properties/target/type",
			"/components/schemas/errorDetail/type",
			"/components/schemas/guid/type",
			"/components/schemas/innerError/properties/date/type",
			"/components/schemas/innerError/type",
			"/components/schemas/key/type",
			"/components/schemas/pfxRecryptionRequest/type",
			"/components/schemas/pfxRecryptionRequestCollection/properties/@odata.nextLink/type",
			"/components/schemas/pfxRecryptionRequestCollection/properties/value/type",
			"/components/schemas/pfxRecryptionRequestCollection/type",
			"/components/schemas/pfxRecryptionRequestCreate/properties/id/type",
			"/components/schemas/pfxRecryptionRequestCreate/type",
			"/components/schemas/pfxRecryptionRequestSelection/type",
			"/components/schemas/pfxRecryptionRequestUpdate/properties/id/type",
			"/components/schemas/pfxRecryptionRequestUpdate/type",
		},
		changes: []string{"dropped"},
	},
	{
		why:      "A path parameter is always required: without it the path is a different one (OpenAPI 3.0.3, Parameter Object).",
		pointers: []string{"/components/parameters/pfxRecryptionRequestsId/required"},
		changes:  []string{"made false"},
	},
	{
		why: "A schema without a type accepts null like any other value; nullable widens a type (OpenAPI 3.0.3, Schema Object).",
		pointers: []string{
			"/components/schemas/batchRequest/properties/body/nullable", "/components/schemas/batchResponse/properties/body/nullable",
		},
		changes: []string{"added as true"},
	},
	{
		why:      "The object may have other members, and this one has no schema: it may have any value, declared or not.",
		pointers: []string{"/components/schemas/batchResponse/properties/body"},
		changes:  []string{"dropped"},
	},
}

// equivalentOf returns the proof of each mutant in the table, by the mutant's name.
func equivalentOf(list []*equivalent) map[string]*equivalent {
	all := map[string]*equivalent{}
	for _, e := range list {
		for _, pointer := range e.pointers {
			for _, change := range e.changes {
				all[mutant{pointer: pointer, change: change}.String()] = e
			}
		}
	}
	return all
}

// checkEquivalents rejects a table with an entry for no mutant, so that the table has no obsolete entries.
func checkEquivalents(equivalents map[string]*equivalent, mutants []mutant) error {
	left := maps.Clone(equivalents)
	for _, m := range mutants {
		delete(left, m.String())
	}
	for name := range left {
		return fmt.Errorf("listed as equivalent, but no mutant: %s", name)
	}
	return nil
}
