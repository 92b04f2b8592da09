// Package dns answers the names of a cluster's Services, as the specification of Kubernetes DNS 1.1.0 §2.3 has them.
package dns

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Domain is the cluster's domain.
const Domain = "cluster.local"

// ttl is in seconds; short, since a Service may come back with another address.
const ttl = 5

// Lookup returns the addresses of a Service; found is false if there is no such Service.
type Lookup func(namespace, service string) (addresses []netip.Addr, found bool)

// Serve answers every query that arrives on the connection, until the connection is closed; it then returns nil.
func Serve(connection net.PacketConn, lookup Lookup) error {
	buffer := make([]byte, 4096)
	for {
		n, from, err := connection.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if answer, err := Answer(buffer[:n], lookup); err == nil {
			// A lost answer is asked for again.
			_, _ = connection.WriteTo(answer, from)
		}
	}
}

// Answer returns the reply to one query in wire format (RFC 1035 §4.1): an A record for each address of
// <service>.<namespace>.svc.cluster.local, nothing for its other types, and NXDOMAIN for every other name, so that a
// resolver goes on with the next entry of its search list. It fails if the query is none.
func Answer(query []byte, lookup Lookup) ([]byte, error) {
	var parser dnsmessage.Parser
	header, err := parser.Start(query)
	if err != nil {
		return nil, err
	}
	question, err := parser.Question()
	if err != nil {
		return nil, err
	}
	if header.Response {
		return nil, errors.New("reading a query: it is a response")
	}
	var addresses []netip.Addr
	namespace, service, found := split(question.Name.String())
	if found {
		addresses, found = lookup(namespace, service)
	}
	reply := dnsmessage.Header{
		ID: header.ID, Response: true, OpCode: header.OpCode, Authoritative: true, RecursionDesired: header.RecursionDesired}
	if !found {
		reply.RCode = dnsmessage.RCodeNameError
	}
	return build(reply, question, addresses)
}

func build(reply dnsmessage.Header, question dnsmessage.Question, addresses []netip.Addr) ([]byte, error) {
	builder := dnsmessage.NewBuilder(nil, reply)
	builder.EnableCompression()
	if err := errors.Join(builder.StartQuestions(), builder.Question(question), builder.StartAnswers()); err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if question.Type != dnsmessage.TypeA || !address.Is4() {
			continue
		}
		record := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: ttl}
		if err := builder.AResource(record, dnsmessage.AResource{A: address.As4()}); err != nil {
			return nil, err
		}
	}
	return builder.Finish()
}

// split takes <service>.<namespace>.svc.cluster.local. apart; names are compared without case (RFC 4343).
func split(name string) (namespace, service string, ok bool) {
	rest, ok := strings.CutSuffix(strings.ToLower(name), ".svc."+Domain+".")
	if !ok {
		return "", "", false
	}
	service, namespace, ok = strings.Cut(rest, ".")
	return namespace, service, ok && service != "" && namespace != "" && !strings.Contains(namespace, ".")
}
