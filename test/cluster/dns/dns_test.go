package dns

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/dns/dnsmessage"
)

func services(namespace, service string) ([]netip.Addr, bool) {
	switch service + "." + namespace {
	case "quay.quay":
		return []netip.Addr{netip.MustParseAddr("10.96.7.7")}, true
	case "headless.quay":
		return nil, true
	}
	return nil, false
}

func TestAnswer(t *testing.T) {
	for _, c := range []struct {
		name string
		kind dnsmessage.Type
		code dnsmessage.RCode
		want []string
	}{
		{"quay.quay.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.96.7.7"}},
		{"QUAY.quay.SVC.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, []string{"10.96.7.7"}},
		{"quay.quay.svc.cluster.local.", dnsmessage.TypeAAAA, dnsmessage.RCodeSuccess, nil},
		{"headless.quay.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeSuccess, nil},
		{"other.quay.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"quay.quay.svc.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"quay.quay.svc.quay.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"quay.svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"svc.cluster.local.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
		{"example.com.", dnsmessage.TypeA, dnsmessage.RCodeNameError, nil},
	} {
		t.Run(c.name+c.kind.String(), func(t *testing.T) {
			reply := ask(t, c.name, c.kind)
			if reply.ID != 42 || !reply.Response || !reply.RecursionDesired {
				t.Errorf("header %+v is no reply to the query", reply.Header)
			}
			if reply.RCode != c.code {
				t.Errorf("code %v, want %v", reply.RCode, c.code)
			}
			var got []string
			for _, answer := range reply.Answers {
				got = append(got, netip.AddrFrom4(answer.Body.(*dnsmessage.AResource).A).String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnswerRefusesWhatIsNoQuery(t *testing.T) {
	response, err := (&dnsmessage.Message{
		Header:    dnsmessage.Header{Response: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("a."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, packet := range [][]byte{nil, []byte("GET / HTTP/1.1"), make([]byte, 12), response} {
		if answer, err := Answer(packet, services); err == nil {
			t.Errorf("Answer(%q) = %q, want an error", packet, answer)
		}
	}
}

// TestServe has Go's own resolver ask, and goes on after a packet that is no query.
func TestServe(t *testing.T) {
	connection, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(connection, services) }()
	client, err := net.Dial("udp", connection.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Write([]byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", connection.LocalAddr().String())
	}}
	got, err := resolver.LookupHost(t.Context(), "quay.quay.svc.cluster.local.")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"10.96.7.7"}, got); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	connection.Close()
	if err := <-done; err != nil {
		t.Errorf("Serve = %v after its connection was closed, want nil", err)
	}
}

func ask(t *testing.T, name string, kind dnsmessage.Type) dnsmessage.Message {
	t.Helper()
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 42, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := Answer(packed, services)
	if err != nil {
		t.Fatal(err)
	}
	var reply dnsmessage.Message
	if err := reply.Unpack(answer); err != nil {
		t.Fatal(err)
	}
	return reply
}
