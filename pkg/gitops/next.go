package gitops

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// nextOf is the next step after what a server said, or where none answered.
func (r remote) nextOf(err error) string {
	refusal, redirect, answer := (*pushRefusal)(nil), (*redirectError)(nil), (*githttp.Err)(nil)
	switch {
	case errors.As(err, &refusal):
		return refusal.next()
	case errors.As(err, &redirect):
		return "the credential goes to the host of --repository alone; give the URL that the server redirects to, if that is right"
	case errors.Is(err, transport.ErrAuthenticationRequired) && r.credential.nobody():
		return "give --credential, in the Task git-secret: the server asks for a user"
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return "see whether the token in the Secret is the Git server's, and has not expired"
	case errors.Is(err, transport.ErrAuthorizationFailed) && r.credential.nobody():
		return "give --credential, in the Task git-secret: the server refuses who gives none; or ask who runs it"
	case errors.Is(err, transport.ErrAuthorizationFailed) && markup.MatchString(err.Error()):
		return "see who answers with a page: a proxy, a firewall or a login in front of the Git server has to let this request through; if it is the server itself, the token needs the right to push"
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return "the token needs the right to push to the repository (GitLab: write_repository, role Developer)"
	case errors.Is(err, transport.ErrRepositoryNotFound) && r.credential.nobody():
		return "see whether --repository is right; if it is, give --credential, in the Task git-secret: Git servers hide a private repository from who gives none"
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return "see whether --repository is right; Git servers say so also where the credential may see nothing"
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return "push the target branch with the app first: the repository is empty"
	case errors.As(err, new(*pktline.ErrorLine)):
		return "do what the server says, or ask who runs it"
	case isSHA256(err):
		return "use a repository with SHA-1 object names (git init --object-format=sha1)"
	case errors.As(err, new(*packp.ErrUnexpectedData)), errors.Is(err, pktline.ErrInvalidPktLen):
		return "see whether --repository is the URL that git clone takes: what answers there is no Git server"
	case errors.As(err, &answer):
		return nextOfStatus(answer.StatusCode())
	}
	return nextOfConnection(err)
}

// nextOfStatus is the next step after an answer that has no meaning of its own in Git.
func nextOfStatus(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "wait, and run it again: the server limits how often it is asked"
	case status >= http.StatusInternalServerError:
		return "run it again later; if that does not help, ask who runs the Git server"
	}
	return "ask who runs the Git server why it answers so"
}

// nextOfConnection is the next step where there was no answer.
func nextOfConnection(err error) string {
	var record tls.RecordHeaderError
	var operation *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "run it again: what is there is not pushed twice"
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "let --ca-file have the authority of the server's certificate; the Task takes ConfigMap config-trusted-cabundle"
	case errors.As(err, new(x509.HostnameError)):
		return "let --repository have a host that the server's certificate is for"
	case errors.As(err, new(x509.CertificateInvalidError)):
		return "see whether the server's certificate, and that of its authority, are still valid"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "let --repository have the port of the server that has TLS"
	case errors.As(err, &operation) && operation.Op == "proxyconnect":
		return "see whether HTTPS_PROXY is right, or NO_PROXY names the Git server"
	case errors.As(err, new(*net.DNSError)):
		return "see whether the host of --repository is right: nobody knows its name"
	}
	return "see whether the server is there, and run it again"
}

// isSHA256 reports whether the server's list of branches is that of a repository with SHA-256 object names.
func isSHA256(err error) bool {
	var unexpected *packp.ErrUnexpectedData
	return errors.As(err, &unexpected) && bytes.Contains(unexpected.Data, []byte("object-format=sha256"))
}
