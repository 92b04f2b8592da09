// Package browser opens the page of tkn quay report in a real browser. With the build tag browser its test has Chromium and axe-core look
// at it: make report. It is a module of its own, since what drives a browser is large.
package browser

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Tab is a tab of Chromium, without a network but for this machine's own addresses.
type Tab struct {
	testing.TB
	ctx context.Context

	mu                sync.Mutex
	requests, dialogs []string
}

// Open starts Chromium with one tab, which the end of the test closes.
func Open(t testing.TB) *Tab {
	t.Helper()
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath("chromium"), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2 * time.Minute), chromedp.WindowSize(1280, 1600),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-device-scale-factor", "1"), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")}
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-default-apps", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(name, true))
	}
	// The test's own context ends before what it leaves is cleaned up.
	ctx, stop := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
	ctx, stopBrowser := chromedp.NewExecAllocator(ctx, options...)
	tab := &Tab{TB: t}
	tab.ctx, _ = chromedp.NewContext(ctx)
	dialogs := chromedp.Events(tab.ctx, page.JavascriptDialogOpening)
	var answers sync.WaitGroup
	answers.Go(func() { tab.answer(dialogs) })
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab.ctx); err != nil {
			t.Logf("ending Chromium: %v", err)
		}
		stopBrowser()
		stop()
		answers.Wait()
	})
	if err := chromedp.Listen(tab.ctx, tab.hear); err != nil {
		t.Fatal(err)
	}
	Call(tab, network.Enable, network.EnableParams{})
	return tab
}

// hear notes what the page asks for.
func (b *Tab) hear(event any) {
	if event, ok := event.(*network.EventRequestWillBeSent); ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.requests = append(b.requests, event.Request.URL)
	}
}

// answer notes what the page asks people, and says no.
func (b *Tab) answer(dialogs iter.Seq2[page.EventJavascriptDialogOpening, error]) {
	for dialog, err := range dialogs {
		if err != nil {
			return // The tab is closed.
		}
		b.mu.Lock()
		b.dialogs = append(b.dialogs, dialog.Message)
		b.mu.Unlock()
		if _, err := chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{}); err != nil {
			return
		}
	}
}

// Do does things in the tab.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// Call has the browser do something, by its own protocol.
func Call[P, R any](b *Tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	answer, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.Fatal(err)
	}
	return answer
}

// Ask returns what a script in the tab says, once it does.
func Ask[T any](b *Tab, script string) T {
	b.Helper()
	answer, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatal(err)
	}
	return answer
}

// Visit opens an address, with all requests and dialogs of before forgotten.
func (b *Tab) Visit(address string) {
	b.Helper()
	b.mu.Lock()
	b.requests, b.dialogs = nil, nil
	b.mu.Unlock()
	b.Do(chromedp.Navigate(address))
}

// Elsewhere are the requests and dialogs since Visit, but the one for the address itself and what is in the page.
func (b *Tab) Elsewhere(address string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Concat(b.requests, b.dialogs), func(text string) bool { return text == address || strings.HasPrefix(text, "data:") })
}

// Show has the page shown on a medium, screen or print, to people who want it light or dark.
func (b *Tab) Show(medium, scheme string) {
	b.Helper()
	Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}
