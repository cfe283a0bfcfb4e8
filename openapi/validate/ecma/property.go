package ecma

import "unicode"

var (
	idStart    = []*unicode.RangeTable{unicode.L, unicode.Nl, unicode.Other_ID_Start}
	idContinue = append([]*unicode.RangeTable{unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue}, idStart...)
)

// property returns the characters of \p{name} or \p{name=value} (ECMA-262 §22.2.2.9), and whether ECMA-262 has the property.
// The set is nil if package unicode has no table for it: emoji, script extensions and the like.
func property(name, value string, hasValue bool) (set runes, known bool) {
	if !hasValue {
		if set, known := category(name); known {
			return set, true
		}
		return binaryProperty(name)
	}
	switch name {
	case "General_Category", "gc":
		return category(value)
	case "Script", "sc":
		return script(value)
	case "Script_Extensions", "scx":
		_, known := script(value)
		return nil, known
	}
	return nil, false
}

func category(name string) (runes, bool) {
	if long, ok := unicode.CategoryAliases[name]; ok {
		name = long
	} else if name == "Combining_Mark" {
		name = "M"
	}
	table, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return ofTables(table), true
}

func script(name string) (runes, bool) {
	if long, ok := scriptCodes[name]; ok {
		name = long
	}
	table, ok := unicode.Scripts[name]
	if !ok {
		return nil, false
	}
	return ofTables(table), true
}

// binaryProperty returns the characters of a property of ECMA-262's table 68.
func binaryProperty(name string) (runes, bool) {
	if long, ok := binaryAliases[name]; ok {
		name = long
	}
	if set, ok := derived(name); ok {
		return set, true
	}
	if binaryTables[name] {
		return ofTables(unicode.Properties[name]), true
	}
	return nil, withoutTable[name]
}

func derived(name string) (runes, bool) {
	switch name {
	case "Any":
		return anyRune, true
	case "ASCII":
		return runes{0, unicode.MaxASCII}, true
	case "Assigned":
		return ofTables(unicode.Categories["Cn"]).complement(), true
	case "Alphabetic":
		return ofTables(unicode.L, unicode.Nl, unicode.Other_Alphabetic), true
	case "Lowercase":
		return ofTables(unicode.Ll, unicode.Other_Lowercase), true
	case "Uppercase":
		return ofTables(unicode.Lu, unicode.Other_Uppercase), true
	case "Cased":
		return ofTables(unicode.Ll, unicode.Lu, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase), true
	case "Math":
		return ofTables(unicode.Sm, unicode.Other_Math), true
	case "ID_Start":
		return without(ofTables(idStart...), patternRunes()), true
	case "ID_Continue":
		return without(ofTables(idContinue...), patternRunes()), true
	case "Grapheme_Extend":
		return ofTables(unicode.Me, unicode.Mn, unicode.Other_Grapheme_Extend), true
	}
	return nil, false
}

func patternRunes() runes { return ofTables(unicode.Pattern_Syntax, unicode.Pattern_White_Space) }

func without(s, t runes) runes { return s.complement().union(t).complement() }

// binaryTables are the properties with the same name in package unicode and ECMA-262.
var binaryTables = setOf("ASCII_Hex_Digit", "Bidi_Control", "Dash", "Deprecated", "Diacritic", "Extender", "Hex_Digit", "IDS_Binary_Operator",
	"IDS_Trinary_Operator", "Ideographic", "Join_Control", "Logical_Order_Exception", "Noncharacter_Code_Point", "Pattern_Syntax",
	"Pattern_White_Space", "Quotation_Mark", "Radical", "Regional_Indicator", "Sentence_Terminal", "Soft_Dotted",
	"Terminal_Punctuation", "Unified_Ideograph", "Variation_Selector", "White_Space")

// withoutTable are the properties without a table in package unicode.
var withoutTable = setOf("Bidi_Mirrored", "Case_Ignorable", "Changes_When_Casefolded", "Changes_When_Casemapped", "Changes_When_Lowercased",
	"Changes_When_NFKC_Casefolded", "Changes_When_Titlecased", "Changes_When_Uppercased", "Default_Ignorable_Code_Point", "Emoji",
	"Emoji_Component", "Emoji_Modifier", "Emoji_Modifier_Base", "Emoji_Presentation", "Extended_Pictographic", "Grapheme_Base",
	"XID_Continue", "XID_Start")

func setOf(names ...string) map[string]bool {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return set
}

var binaryAliases = map[string]string{
	"AHex": "ASCII_Hex_Digit", "Alpha": "Alphabetic", "Bidi_C": "Bidi_Control", "Bidi_M": "Bidi_Mirrored", "CI": "Case_Ignorable",
	"CWCF": "Changes_When_Casefolded", "CWCM": "Changes_When_Casemapped", "CWL": "Changes_When_Lowercased",
	"CWKCF": "Changes_When_NFKC_Casefolded", "CWT": "Changes_When_Titlecased", "CWU": "Changes_When_Uppercased",
	"DI": "Default_Ignorable_Code_Point", "Dep": "Deprecated", "Dia": "Diacritic", "EComp": "Emoji_Component", "EMod": "Emoji_Modifier",
	"EBase": "Emoji_Modifier_Base", "EPres": "Emoji_Presentation", "Ext": "Extender", "ExtPict": "Extended_Pictographic",
	"Gr_Base": "Grapheme_Base", "Gr_Ext": "Grapheme_Extend", "Hex": "Hex_Digit", "IDSB": "IDS_Binary_Operator",
	"IDST": "IDS_Trinary_Operator", "IDC": "ID_Continue", "IDS": "ID_Start", "Ideo": "Ideographic", "Join_C": "Join_Control",
	"LOE": "Logical_Order_Exception", "Lower": "Lowercase", "NChar": "Noncharacter_Code_Point", "Pat_Syn": "Pattern_Syntax",
	"Pat_WS": "Pattern_White_Space", "QMark": "Quotation_Mark", "RI": "Regional_Indicator", "STerm": "Sentence_Terminal",
	"SD": "Soft_Dotted", "Term": "Terminal_Punctuation", "UIdeo": "Unified_Ideograph", "Upper": "Uppercase", "VS": "Variation_Selector",
	"space": "White_Space", "XIDC": "XID_Continue", "XIDS": "XID_Start",
}
