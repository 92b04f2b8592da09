package quaytest

import (
	"net/http"
	"regexp"
	"slices"
)

// repoPull is the right to pull, which a robot has with Basic, too.
var repoPull = need{has: func(c apiCall) bool {
	r := c.q.repositories[c.args[0]]
	return repoRead.has(c) || r != nil && c.who.name != "" && c.who.role(c.q, r).includes(Read)
}}

// securityRoutes are quay/quay:endpoints/api/secscan.py.
var securityRoutes = only(func(q *Quay) bool { return q.scanner != nil },
	route("GET", "repository/{...}/manifest/{digest}/security", repoPull, apiCall.getSecurity).withBasic(),
)

// errDownstream is a failure of something behind Quay.
func errDownstream(message string) *apiError { return apiErr(520, "downstream_issue", message) }

// getSecurity looks a manifest up that is there at all, with dead tags or with
// none. The findings come whether they are asked for or not.
func (c apiCall) getSecurity() (int, any, *apiError) {
	r := c.q.repositories[c.args[0]]
	if r == nil || r.manifests[c.args[1]] == nil {
		return 0, nil, errNotFound
	}
	v := c.q.verdict(r, c.args[1])
	switch {
	case v.Status != Scanned:
		return http.StatusOK, map[string]any{"status": v.Status, "data": nil}, nil
	case c.q.scanner.Unreachable:
		return 0, nil, errDownstream("Connection error when trying to connect to security scanner endpoint: down")
	}
	features := []any{}
	for _, p := range v.Packages {
		features = append(features, p.view())
	}
	return http.StatusOK, map[string]any{"status": v.Status, "data": map[string]any{"Layer": map[string]any{"Name": c.args[1],
		"NamespaceName": "", "ParentName": "", "IndexedByVersion": 4, "Features": features}}}, nil
}

// cvePattern is the number of a vulnerability in a link.
var cvePattern = regexp.MustCompile(`CVE-\d{4}-\d{4,7}`)

// view is a package as Quay shows it.
func (p Package) view() map[string]any {
	scores, numbers, list := []any{}, []string{}, []any{}
	for _, v := range p.Vulnerabilities {
		numbers = append(numbers, cvePattern.FindAllString(v.Link, -1)...)
		if v.Score > 0 {
			scores = append(scores, v.Score)
		}
		list = append(list, v.view())
	}
	slices.Sort(numbers)
	return map[string]any{"Name": p.Name, "VersionFormat": "", "NamespaceName": "", "AddedBy": p.AddedBy, "Version": p.Version,
		"BaseScores": scores, "CVEIds": slices.Compact(numbers), "Vulnerabilities": list}
}

// view is a vulnerability as Quay shows it.
func (v Vulnerability) view() map[string]any {
	score, vectors := any(""), ""
	if v.Score > 0 {
		score, vectors = v.Score, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
	}
	metadata := map[string]any{"UpdatedBy": v.Updater, "RepoName": nil, "RepoLink": nil, "DistroName": orNull(v.Distribution),
		"DistroVersion": orNull(v.DistributionVersion), "NVD": map[string]any{"CVSSv3": map[string]any{"Vectors": vectors, "Score": score}}}
	return map[string]any{"Severity": v.Severity, "NamespaceName": v.Updater, "Link": v.Link, "FixedBy": v.FixedBy,
		"Description": v.Description, "Name": v.Name, "Metadata": metadata}
}

// orNull is a text, or null for none.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
