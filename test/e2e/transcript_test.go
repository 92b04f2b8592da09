//go:build e2e

package e2e

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/comptech-lab/quay-push/internal/quaytest"
)

// transcript is of all tests.
var transcript = newText()

// text is what anybody could read. Every byte of it is looked at, but only words that could hold a secret are kept, each once.
type text struct {
	mu sync.Mutex
	// words are by where they were read.
	words   map[string]map[string]bool
	secrets map[string]bool
}

func newText() *text { return &text{words: map[string]map[string]bool{}, secrets: map[string]bool{}} }

// shortest is the length of the shortest word that is kept; every secret of the tests is longer.
const shortest = 20

// inWord reports whether a byte can be one of a secret: those of base64, in both alphabets, and what tokens have between their parts.
func inWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("+/=-_.", b) >= 0
}

// splitWords splits into the longest runs of bytes that can be a secret's.
func splitWords(data []byte, atEOF bool) (advance int, token []byte, err error) {
	begin := slices.IndexFunc(data, inWord)
	if begin < 0 {
		return len(data), nil, nil
	}
	if end := slices.IndexFunc(data[begin:], func(b byte) bool { return !inWord(b) }); end >= 0 {
		return begin + end, data[begin : begin+end], nil
	}
	if atEOF {
		return len(data), data[begin:], nil
	}
	return begin, nil, nil
}

// read reads r to its end; where says from where it is.
func (t *text) read(where string, r io.Reader) {
	words := bufio.NewScanner(r)
	words.Buffer(nil, 16<<20)
	words.Split(splitWords)
	for words.Scan() {
		if len(words.Bytes()) < shortest {
			continue
		}
		word := words.Text()
		t.mu.Lock()
		if t.words[where] == nil {
			t.words[where] = map[string]bool{}
		}
		t.words[where][word] = true
		t.mu.Unlock()
	}
	if words.Err() == bufio.ErrTooLong {
		panic("reading " + where + ": a word is too long")
	}
}

// readObject reads an object of the cluster, whole.
func (t *text) readObject(where string, object any) {
	data, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	t.read(where, strings.NewReader(string(data)))
}

// mustNotHave adds secrets. One that no word could hold would never be found.
func (t *text) mustNotHave(secrets ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, secret := range secrets {
		if len(secret) < shortest || strings.ContainsFunc(secret, func(r rune) bool { return r > 127 || !inWord(byte(r)) }) {
			panic(fmt.Sprintf("a secret of %d characters would not be found", len(secret)))
		}
		t.secrets[secret] = true
	}
}

// check says how much was read from where, and as an error where a secret is, which it doesn't say.
func (t *text) check() (summary string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	read, found := []string{}, []string{}
	for _, where := range slices.Sorted(maps.Keys(t.words)) {
		read = append(read, fmt.Sprintf("%d of %s", len(t.words[where]), where))
		for word := range t.words[where] {
			if t.holds(word) {
				found = append(found, where)
				break
			}
		}
	}
	summary = fmt.Sprintf("%d secrets, words read: %s", len(t.secrets), strings.Join(read, ", "))
	if len(found) > 0 {
		return summary, fmt.Errorf("a secret can be read in %q", found)
	}
	return summary, nil
}

// holds reports whether a word has a secret in it, as it is or in base64, as in a Docker config. The caller holds mu.
func (t *text) holds(word string) bool {
	texts := []string{word}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(strings.TrimRight(word, "=")); err == nil {
			texts = append(texts, string(decoded))
		}
	}
	for secret := range t.secrets {
		for _, text := range texts {
			if strings.Contains(text, secret) {
				return true
			}
		}
	}
	return false
}

// A secret is found in whatever it stands, across the reader's pieces, and told without itself.
func TestTranscript(t *testing.T) {
	q := quaytest.Start(t)
	q.AddOrganization("team-a")
	token := q.AddRobot("team-a", "ci")
	for name, said := range map[string]string{
		"alone":         token,
		"in JSON":       `{"token":"` + token + `"}`,
		"in a header":   "Authorization: Bearer " + token + "\r\n",
		"in a word":     "x" + token + "y",
		"in a config":   string(q.Dockerconfig("team-a+ci")),
		"in base64":     base64.StdEncoding.EncodeToString([]byte("team-a+ci:" + token)),
		"of a Secret":   base64.StdEncoding.EncodeToString(q.Dockerconfig("team-a+ci")),
		"between words": strings.Repeat("word ", 5000) + token + strings.Repeat(" word", 5000),
	} {
		heard := newText()
		heard.mustNotHave(token)
		heard.read("clean", strings.NewReader(strings.Repeat(strings.Repeat("A", 64)+" ", 100)))
		if _, err := heard.check(); err != nil {
			t.Errorf("%s: before it was said: %v", name, err)
		}
		heard.read("said", strings.NewReader(said))
		summary, err := heard.check()
		if err == nil || !strings.Contains(err.Error(), `"said"`) || strings.Contains(summary+err.Error(), token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
