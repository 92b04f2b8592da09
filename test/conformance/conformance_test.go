package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every line of the list is there once: the numbers have gaps.
func TestLinesAreComplete(t *testing.T) {
	var want, got []string
	for _, r := range [][2]int{{1, 7}, {10, 14}, {20, 26}, {30, 35}, {40, 43}, {50, 52}, {60, 75}, {80, 84}, {90, 95}, {100, 107}} {
		for i := r[0]; i <= r[1]; i++ {
			want = append(want, fmt.Sprintf("C%02d", i))
		}
	}
	for _, line := range Lines {
		got = append(got, line.ID)
		if line.Sentence == "" || (len(line.Tests) == 0) == (line.Why == "") {
			t.Errorf("%s has no sentence, or not either tests or a reason", line.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines %v, want %v", got, want)
	}
}

// Every test that a line names exists: a name with a typo would be "not run" for ever.
func TestTestsExist(t *testing.T) {
	known := map[string]bool{}
	declaration := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	for _, line := range Lines {
		for _, test := range line.Tests {
			pkg, _, _ := strings.Cut(test, ".")
			files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, match := range declaration.FindAllSubmatch(data, -1) {
					known[pkg+"."+string(match[1])] = true
				}
			}
			if !known[test] {
				t.Errorf("%s: no test %s", line.ID, test)
			}
		}
	}
}

func TestJudge(t *testing.T) {
	line := Line{ID: "C", Sentence: "s", Tests: []string{"a.TestX", "a.TestY"}}
	for want, outcomes := range map[string]map[string]string{
		pass:   {"a.TestX": "pass", "a.TestY": "pass"},
		fail:   {"a.TestX": "pass", "a.TestY": "fail"},
		notRun: {"a.TestX": "pass"},
	} {
		if got, why := judge(line, outcomes); got != want || (want == pass) != (why == "") {
			t.Errorf("judge(%v) = %s%s", outcomes, got, why)
		}
	}
	if got, _ := judge(line, map[string]string{"a.TestX": "pass", "a.TestY": "skip"}); got != fail {
		t.Errorf("a skipped test makes %s", got)
	}
	if got, why := judge(Line{Why: "there is none"}, nil); got != notApplicable || !strings.Contains(why, "there is none") {
		t.Errorf("judge = %s%s", got, why)
	}
}
