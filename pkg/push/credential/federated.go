package credential

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/comptech-lab/quay-push/pkg/dockerconfig"
	"github.com/comptech-lab/quay-push/pkg/federation"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/secret"
)

// maxToken is the largest token of an issuer that is read, in bytes.
const maxToken = 64 << 10

// Federated is a robot's credential that Quay gives for a token of an issuer that the robot trusts, and that ends soon. A new one is
// there before it does: the file is read again then, since who wrote it may have renewed it.
type Federated struct {
	// Robot is the robot's full name, File what has the issuer's token.
	Robot, File string
	Exchanger   federation.Exchanger
	Log         *slog.Logger
	// Now tells the time.
	Now func() time.Time

	mu      sync.Mutex // of the next three; held while a new one is made
	current dockerconfig.Credential
	// renewAt is when a new one is due, endsAt when the current one is of no use any more.
	renewAt, endsAt time.Time

	keeping sync.Mutex // of secrets
	secrets []secret.Value
}

// Get returns the robot's credential. If there cannot be a new one, the old one does until its end.
func (f *Federated) Get(ctx context.Context) (dockerconfig.Credential, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Now().Before(f.renewAt) {
		return f.current, nil
	}
	err := f.renew(ctx)
	if err != nil && f.Now().Before(f.endsAt) {
		f.Log.Warn("going on with the token that Quay exchanged before", "robot", f.Robot, "ends", f.endsAt.UTC().Format(time.RFC3339), "because", err.Error())
		return f.current, nil
	}
	if err != nil {
		return dockerconfig.Credential{}, err
	}
	return f.current, nil
}

// renew exchanges what is in the file now.
func (f *Federated) renew(ctx context.Context) error {
	token, err := readToken(f.File)
	if err != nil {
		return err
	}
	f.keep(token)
	password, expires, err := f.Exchanger.Exchange(ctx, f.Robot, token)
	if err != nil {
		return f.explain(ctx, err)
	}
	lasts := time.Until(expires)
	f.current = dockerconfig.NewCredential(f.Robot, password)
	f.keep(f.current.Authorization())
	// As early as a bearer token is renewed, so that the next one is bought with a new credential.
	f.renewAt, f.endsAt = f.Now().Add(lasts-lasts/6), f.Now().Add(lasts-lasts/60)
	f.Log.Info("exchanged the token of the issuer for one of the robot", "robot", f.Robot, "ends", f.Now().Add(lasts).UTC().Format(time.RFC3339))
	return nil
}

// explain makes a *failure.Error of what an exchange ended in. A token that was good before has ended since.
func (f *Federated) explain(ctx context.Context, err error) error {
	explained := failure.Exchange(ctx, err)
	failed, reason := (*federation.Error)(nil), (*failure.Error)(nil)
	if errors.As(err, &failed) && failed.Cause == federation.CauseExpired && !f.endsAt.IsZero() && errors.As(explained, &reason) {
		return reason.Then("let the file that " + failure.FederatedFlag + " names be renewed while the push runs: it takes longer than one token of the robot lasts")
	}
	return explained
}

// Secrets are the tokens of the issuer and of the robot.
func (f *Federated) Secrets() []secret.Value {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	return slices.Clone(f.secrets)
}

// keep adds value to the secrets; a token that was read again is one of them.
func (f *Federated) keep(value secret.Value) {
	f.keeping.Lock()
	defer f.keeping.Unlock()
	if !slices.ContainsFunc(f.secrets, value.Equal) {
		f.secrets = append(f.secrets, value)
	}
}

// readToken reads what the issuer gave, without the newline that a shell puts at its end.
func readToken(path string) (secret.Value, error) {
	failed := &failure.Error{Class: failure.ClassNoCredential, Problem: "the issuer's token cannot be read"}
	content, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		failed.Next = "let CI write its OIDC token to the file that " + failure.FederatedFlag + " names, right before the push"
	case errors.Is(err, fs.ErrPermission):
		failed.Next = fmt.Sprintf("let user %d, as which push-image runs, read the file that %s names", os.Getuid(), failure.FederatedFlag)
	case err != nil:
		failed.Next = "name a file in " + failure.FederatedFlag + " that has the token alone"
	case len(content) > maxToken:
		failed.Problem, failed.Proof = "the issuer's token is too large", fmt.Sprintf("%q has more than %d bytes", path, maxToken)
		failed.Next = "name a file in " + failure.FederatedFlag + " that has the token alone"
	case len(bytes.TrimSpace(content)) == 0:
		failed.Problem, failed.Proof = "the issuer gave no token", fmt.Sprintf("%q is empty", path)
		failed.Next = "see in the log of CI why it wrote none; with GitHub Actions the job needs the permission id-token: write, with GitLab id_tokens"
	default:
		return secret.New(string(bytes.TrimSpace(content))), nil
	}
	failed.Err = err
	return secret.Value{}, failed
}

// readFile reads no more than is looked at.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxToken+1))
}
