package robot

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/comptech-lab/quay-push/pkg/quay"
	"github.com/comptech-lab/quay-push/pkg/secret"
	"github.com/comptech-lab/quay-push/pkg/vault"
)

const (
	// workers is how many tenants are looked at at once.
	workers = 8
	// neighbours is how many other organizations each robot is tried against: as many as fit into one request.
	neighbours = 30
)

// VerifyAll verifies all tenants, and beside what Verify does that no two share a token, a Secret or a path in Vault. Each
// robot is tried against the next 30 organizations in the list, so that every organization is tried by 30 others. What cannot
// be asked about one is in its report, and stops no other. The reports are in the order of tenants.
func VerifyAll(ctx context.Context, s Services, tenants []Tenant) ([]Report, error) {
	if settings, err := s.Quay.Config(ctx); err == nil {
		s.settings = &settings
	}
	own, failed := make([][]string, len(tenants)), make([]error, len(tenants))
	err := each(ctx, len(tenants), func(ctx context.Context, i int) (err error) {
		own[i], failed[i] = s.repositories(ctx, tenants[i].Organization)
		return s.unlessOfOneTeam(ctx, tenants, i, failed[i])
	})
	if err != nil {
		return nil, err
	}
	reports := make([]Report, len(tenants))
	err = each(ctx, len(tenants), func(ctx context.Context, i int) (err error) {
		if failed[i] != nil {
			reports[i] = newVerification(s, tenants[i]).report
			reports[i].Checks = append(reports[i].Checks, notAsked(failed[i]))
			return nil
		}
		foreign := []string{}
		for n := 1; n < len(tenants) && len(foreign) < neighbours; n++ {
			if j := (i + n) % len(tenants); len(own[j]) > 0 && tenants[j].Organization != tenants[i].Organization {
				foreign = append(foreign, own[j][0])
			}
		}
		if reports[i], err = Verify(ctx, s, tenants[i], own[i], foreign); err != nil {
			reports[i].Checks = append(reports[i].Checks, notAsked(err))
		}
		return s.unlessOfOneTeam(ctx, tenants, i, err)
	})
	if err != nil {
		return nil, err
	}
	addShared(tenants, reports)
	return reports, nil
}

// unlessOfOneTeam is err, which came of asking about one of the tenants; nil where another can be asked about all the same.
func (s Services) unlessOfOneTeam(ctx context.Context, tenants []Tenant, i int, err error) error {
	if err == nil || ctx.Err() != nil || ofOneTeam(err) {
		return context.Cause(ctx)
	}
	others := spread(slices.Delete(slices.Clone(tenants), i, i+1), otherTeams)
	if s.allMeet(ctx, others, func(ctx context.Context, t Tenant) bool {
		_, failed := Verify(ctx, s, t, nil, nil)
		return failed != nil && !ofOneTeam(failed)
	}) {
		return err
	}
	return nil
}

// ofOneTeam reports whether err is about one team, so that the others can be verified all the same: an answer, in contrast to none.
func ofOneTeam(err error) bool {
	own, answer := (*Error)(nil), (*quay.Error)(nil)
	switch {
	case errors.As(err, &own), errors.Is(err, vault.ErrPath), errors.Is(err, vault.ErrContent), errors.Is(err, vault.ErrDenied):
		return true
	case errors.As(err, &answer):
		return !quay.IsUnauthorized(err) && answer.Status < 500 && answer.Status != http.StatusTooManyRequests
	}
	return false
}

// notAsked is the finding for an error of one team.
func notAsked(err error) Check {
	k, own := checkAsked, (*Error)(nil)
	if errors.As(err, &own) {
		k.next = own.Next
	} else {
		k.next = cmp.Or(quay.Next(err), vault.Next(err), k.next)
	}
	return k.with(Failed, err.Error())
}

// each calls f for 0 to n-1, a few at once, until one fails.
func each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error { return f(ctx, i) })
	}
	return group.Wait()
}

// addShared adds to every report whether another tenant has the same.
func addShared(tenants []Tenant, reports []Report) {
	holders := map[string][]string{}
	for i, r := range reports {
		r.prints["secret"] = tenants[i].Namespace + "/" + tenants[i].Secret
		for what, print := range r.prints {
			holders[what+" "+print] = append(holders[what+" "+print], r.Tenant)
		}
	}
	for i, r := range reports {
		shared := []string{}
		for what, print := range r.prints {
			others := slices.DeleteFunc(slices.Clone(holders[what+" "+print]), func(team string) bool { return team == r.Tenant })
			if len(others) > 0 {
				shared = append(shared, fmt.Sprintf("the %s with %s", what, strings.Join(others, ", ")))
			}
		}
		slices.Sort(shared)
		status, detail := Passed, "nothing is shared"
		if len(shared) > 0 {
			status, detail = Failed, "it shares "+strings.Join(shared, "; ")
		}
		reports[i].Checks = append(r.Checks, checkShared.with(status, detail))
	}
}

// printKey makes the fingerprints of one process worthless to any other.
var printKey = []byte(rand.Text())

// fingerprint is a keyed hash of a secret, for comparing.
func fingerprint(s secret.Value) string {
	mac := hmac.New(sha256.New, printKey)
	mac.Write([]byte(s.Reveal()))
	return hex.EncodeToString(mac.Sum(nil))
}

// stamp is a time as reports show it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339)
}
