// SPDX-License-Identifier: GPL-2.0-or-later

// Package tap stands in for github.com/mndrix/tap-go, which Debian does not have: what the validation
// programs of runtime-tools call of it, and no more. A test's details are written as JSON, which is
// YAML too.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T counts and prints the results of one program.
type T struct {
	Writer io.Writer
	count  *int
	todo   bool
}

// New prints to standard output.
func New() *T {
	return &T{Writer: os.Stdout, count: new(int)}
}

// Header prints the version, and the plan where it is known.
func (t *T) Header(planned int) {
	fmt.Fprintln(t.Writer, "TAP version 13")
	if planned > 0 {
		fmt.Fprintf(t.Writer, "1..%d\n", planned)
	}
}

// Ok prints one result.
func (t *T) Ok(good bool, description string) {
	word, todo := "ok", ""
	if !good {
		word = "not ok"
	}
	if t.todo {
		todo = " # TODO"
	}
	*t.count++
	fmt.Fprintf(t.Writer, "%s %d - %s%s\n", word, *t.count, description, todo)
}

// Pass prints a good result.
func (t *T) Pass(description string) { t.Ok(true, description) }

// Fail prints a bad result.
func (t *T) Fail(description string) { t.Ok(false, description) }

// Todo is the same with all results marked as not expected yet.
func (t *T) Todo() *T {
	return &T{Writer: t.Writer, count: t.count, todo: true}
}

// Skip prints n results that nobody has looked for.
func (t *T) Skip(n int, description string) {
	for i := 0; i < n; i++ {
		*t.count++
		fmt.Fprintf(t.Writer, "ok %d # SKIP %s\n", *t.count, description)
	}
}

// Diagnostic prints a comment.
func (t *T) Diagnostic(text string) {
	fmt.Fprintln(t.Writer, "# "+strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n# "))
}

// Diagnosticf prints a comment.
func (t *T) Diagnosticf(format string, args ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, args...))
}

// AutoPlan prints the plan behind the results.
func (t *T) AutoPlan() {
	fmt.Fprintf(t.Writer, "1..%d\n", *t.count)
}

// YAML prints the details of the last result.
func (t *T) YAML(details interface{}) error {
	text, err := json.MarshalIndent(details, "  ", "  ")
	if err == nil {
		fmt.Fprintf(t.Writer, "  ---\n  %s\n  ...\n", text)
	}
	return err
}
