package main

// foreignEquivalents are the mutants of the foreign documents that may survive, with proofs.
var foreignEquivalents = map[string][]*equivalent{
	"shop": {
		{
			why: "nullable widens a type next to it. An order has none: it is allOf two objects, and the other one " +
				"rejects null.",
			pointers: []string{
				"/components/schemas/order/nullable", "/components/schemas/entity/nullable", "/components/schemas/order/allOf/1/nullable",
			},
			changes: []string{"added as true"},
		},
		{
			why:      "An order is an object by either of its two parts.",
			pointers: []string{"/components/schemas/entity/type", "/components/schemas/order/allOf/1/type"},
			changes:  []string{"dropped"},
		},
	},
	"tree": {
		{
			why:      "nullable widens a type next to it, and there is none.",
			pointers: []string{"/components/schemas/node/properties/parent/nullable"},
			changes:  []string{"made false"},
		},
		{
			why:      "As for the parent: any value is allowed, even null.",
			pointers: []string{"/components/schemas/node/properties/note/nullable"},
			changes:  []string{"added as true"},
		},
	},
	"zoo": {
		{
			why: "Without a type a text is read as the type that other keywords imply: items an array, minLength and maxLength " +
				"a string, properties an object.",
			pointers: []string{
				"/paths/~1animals/post/parameters/0/schema/type", "/paths/~1animals/post/parameters/0/schema/items/type",
				"/paths/~1animals/post/parameters/1/schema/type",
				"/paths/~1feedings/post/requestBody/content/application~1x-www-form-urlencoded/schema/type",
				"/paths/~1feedings/post/requestBody/content/application~1x-www-form-urlencoded/schema/properties/what/type",
				"/paths/~1feedings/post/responses/default/content/text~1plain/schema/type",
			},
			changes: []string{"dropped"},
		},
		{
			why: "The mapping decides: an animal without the member is rejected, and the mapping names the cats. The rules of the " +
				"alternatives for the member repeat this.",
			pointers: []string{
				"/components/schemas/Cat/required/0", "/components/schemas/Cat/properties/kind", "/components/schemas/Cat/properties/kind/const",
				"/components/schemas/Dog/required", "/components/schemas/Dog/required/0", "/components/schemas/Dog/properties/kind/const",
			},
			changes: []string{"dropped"},
		},
		{
			why:      "The alternative's const selects values that the mapping does not name.",
			pointers: []string{"/components/schemas/Animal/discriminator/mapping/cat", "/components/schemas/Animal/discriminator/mapping/dog"},
			changes:  []string{"dropped"},
		},
		{
			why:      "The value is a duplicate.",
			pointers: []string{"/components/schemas/Cage/properties/kind/enum/0", "/components/schemas/Cage/properties/kind/enum/2"},
			changes:  []string{"dropped"},
		},
		{
			why:      "A token is an object by either of its two parts.",
			pointers: []string{"/components/schemas/Body/type", "/components/schemas/Token/allOf/1/type"},
			changes:  []string{"dropped"},
		},
	},
}
