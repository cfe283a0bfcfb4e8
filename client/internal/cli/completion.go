package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

func (*completionCommand) Help() string {
	return examples("source <(pfxr completion bash)", "pfxr completion powershell | Out-String | Invoke-Expression")
}

// Run prints a script for the shell, which asks the program what may stand at a place.
func (cm *completionCommand) Run(c *console) error {
	_, err := fmt.Fprint(c.out, completionScripts[cm.Shell])
	return err
}

var completionScripts = map[string]string{
	"bash": `_pfxr() {
  local IFS=$'\n'
  COMPREPLY=($(pfxr complete --word="${COMP_WORDS[COMP_CWORD]}" -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null))
}
complete -o default -F _pfxr pfxr
`,
	"zsh": `#compdef pfxr
_pfxr() {
  local -a found
  found=(${(f)"$(pfxr complete --word="${words[CURRENT]}" -- "${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  if (( $#found )); then compadd -- $found; else _files; fi
}
compdef _pfxr pfxr
`,
	"fish": `complete -c pfxr -a '(pfxr complete --word=(commandline -ct) -- (commandline -opc)[2..-1] 2>/dev/null)'
`,
	"powershell": `Register-ArgumentCompleter -Native -CommandName pfxr -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | Select-Object -Skip 1 | ForEach-Object { "$_" })
  pfxr complete "--word=$wordToComplete" -- @before | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
}
`,
}

type completeCommand struct {
	Word  string   `env:"-" help:"What is typed of the word."`
	Words []string `arg:"" optional:"" help:"The words before it."`
}

// Run prints what may stand behind the words, one a line; nothing where a file or free text may.
func (cm *completeCommand) Run(c *console, app *kong.Kong) error {
	for _, word := range candidates(app.Model.Node, cm.Words, cm.Word) {
		if word != "" && strings.HasPrefix(word, cm.Word) {
			fmt.Fprintln(c.out, word)
		}
	}
	return nil
}

// candidates returns what may stand behind the words: the values of a flag, commands and values of an argument, or flags.
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

type versionCommand struct{}

func (*versionCommand) Help() string { return examples("pfxr version", "pfxr --version") }

// Run prints what a report of a fault needs.
func (*versionCommand) Run(c *console) error {
	_, err := fmt.Fprintf(c.out, "pfxr %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// examples is the part of a command's help that shows its use.
func examples(lines ...string) string {
	return "Examples:\n\n  " + strings.Join(lines, "\n  ")
}
