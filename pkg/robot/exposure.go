package robot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/comptech-lab/quay-push/pkg/quay"
)

// expose lists in the report what robots, which exist, pushed while their tokens may have been known, and which tags were set.
// What cannot be read keeps nothing else from being read: it is named in the report, and the first failure is returned.
func (s Services) expose(ctx context.Context, t Tenant, robots []string, until time.Time, report *LeakReport) error {
	failed := errors.Join(s.exposePushes(ctx, t, robots, until, report), s.exposeTags(ctx, t, until, report))
	if failed == nil {
		return nil
	}
	return fmt.Errorf("the report is not complete: %w", failed)
}

// miss names in the report what could not be read, and returns err unless more time or right would not help.
func (r *LeakReport) miss(what string, err error) error {
	r.Unknown = append(r.Unknown, fmt.Sprintf("%s: %v", what, err))
	if errors.Is(err, quay.ErrMore) {
		return nil
	}
	return err
}

func (s Services) exposePushes(ctx context.Context, t Tenant, robots []string, until time.Time, report *LeakReport) (failed error) {
	report.PushesComplete = len(robots) > 0
	report.Unknown = append(report.Unknown, "pushes of robots that were deleted before: Quay shows no log of one that is gone")
	for _, robot := range robots {
		pushes, err := s.Quay.Pushes(ctx, t.Organization, robot, report.Since, until)
		report.Pushes = append(report.Pushes, pushes...)
		if err != nil {
			report.PushesComplete = false
			failed = errors.Join(failed, report.miss(fmt.Sprintf("pushes of %q that are not listed", robot), err))
		}
	}
	if !report.PushesComplete && len(report.Pushes) == 0 {
		report.Pushes = nil
	}
	slices.SortStableFunc(report.Pushes, func(a, b quay.Push) int { return b.Time.Compare(a.Time) })
	return failed
}

// exposeTags looks at every repository, those too that take no pushes now.
func (s Services) exposeTags(ctx context.Context, t Tenant, until time.Time, report *LeakReport) (failed error) {
	repositories, err := s.Quay.Repositories(ctx, t.Organization)
	if err != nil {
		report.Tags = nil
		return report.miss("tags that were set", err)
	}
	report.TagsComplete = true
	for _, repository := range repositories {
		// All of its past, since what a tag was before may be older.
		tags, err := s.Quay.Tags(ctx, repository.Path(), time.Time{})
		if err != nil {
			report.TagsComplete = false
			failed = errors.Join(failed, report.miss(fmt.Sprintf("tags of %q that are not listed", repository.Path()), err))
		}
		report.Tags = append(report.Tags, setIn(repository.Path(), tags, report.Since, until)...)
	}
	if !report.TagsComplete && len(report.Tags) == 0 {
		report.Tags = nil
	}
	return failed
}

// setIn are those of a repository's tags, the newest first, that were set from since until until.
func setIn(repository string, tags []quay.Tag, since, until time.Time) (found []LeakTag) {
	for i, tag := range tags {
		if tag.Start.Before(since.Truncate(time.Second)) || tag.Start.After(until) {
			continue
		}
		set := LeakTag{Repository: repository, Name: tag.Name, Digest: tag.Digest, Time: tag.Start}
		if before := slices.IndexFunc(tags[i+1:], func(older quay.Tag) bool { return older.Name == tag.Name }); before >= 0 {
			set.Before = tags[i+1+before].Digest
		}
		found = append(found, set)
	}
	return found
}
