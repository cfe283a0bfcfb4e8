package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Completion prints a completion script for a shell. The script gets candidates from the program's hidden command complete.
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Run prints the script.
func (c *Completion) Run(w io.Writer, app *kong.Kong) error {
	_, err := io.WriteString(w, strings.ReplaceAll(completionScripts[c.Shell], "PROGRAM", app.Model.Name))
	return err
}

var completionScripts = map[string]string{
	"bash": `_PROGRAM() {
  local IFS=$'\n'
  COMPREPLY=($(PROGRAM complete --word="${COMP_WORDS[COMP_CWORD]}" -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null))
}
complete -o default -F _PROGRAM PROGRAM
`,
	"zsh": `#compdef PROGRAM
_PROGRAM() {
  local -a found
  found=(${(f)"$(PROGRAM complete --word="${words[CURRENT]}" -- "${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  if (( $#found )); then compadd -- $found; else _files; fi
}
compdef _PROGRAM PROGRAM
`,
	"fish": `complete -c PROGRAM -a '(PROGRAM complete --word=(commandline -ct) -- (commandline -opc)[2..-1] 2>/dev/null)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName PROGRAM -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | Select-Object -Skip 1 | ForEach-Object { "$_" })
  PROGRAM complete "--word=$wordToComplete" -- @before | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

// Complete prints the candidates for a word, one per line. It prints none for a file name or free text.
type Complete struct {
	Word  string   `env:"-" help:"The part of the word that is typed."`
	Words []string `arg:"" optional:"" help:"The words before that one."`
}

// Run prints the candidates.
func (c *Complete) Run(w io.Writer, app *kong.Kong) error {
	for _, word := range candidates(app.Model.Node, c.Words, c.Word) {
		if word != "" && strings.HasPrefix(word, c.Word) {
			fmt.Fprintln(w, word)
		}
	}
	return nil
}

// candidates returns the possible next words: values of a flag, commands, values of an argument, or flags.
func candidates(node *kong.Node, words []string, word string) []string {
	var flag *kong.Flag
	arguments := 0
	for _, w := range words {
		switch child := childOf(node, w); {
		case flag != nil:
			flag = nil // w is its value
		case strings.HasPrefix(w, "-"):
			flag = flagOf(node, w)
		case child != nil:
			node = child
		default:
			arguments++
		}
	}
	switch {
	case flag != nil:
		return flag.EnumSlice()
	case strings.HasPrefix(word, "-"):
		return flagsOf(node)
	case arguments < len(node.Positional):
		return node.Positional[arguments].EnumSlice()
	}
	var names []string
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

func childOf(node *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == name })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}

// flagOf returns the flag whose value is the next word, or nil.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			if (word == "--"+flag.Name || word == "-"+string(flag.Short)) && !flag.IsBool() {
				return flag
			}
		}
	}
	return nil
}

func flagsOf(node *kong.Node) []string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			names = append(names, "--"+flag.Name)
		}
	}
	return names
}
