// Package report renders one page about all teams: each check of verify, the age of each token, the last pushes, and what was refused
// and why. The page is one file of HTML that is complete in itself: it runs nothing and asks no server. Others collect what it tells.
package report

import (
	"time"

	"github.com/comptech-lab/quay-push/pkg/pushlog"
	"github.com/comptech-lab/quay-push/pkg/robot"
)

// Report is what the page tells. Texts in it may be a stranger's: the page shows them as text, whatever they are.
type Report struct {
	// Made is when the looking began.
	Made time.Time
	// Registry is the host of Quay, Cluster the context in the kubeconfig, empty where there is none; Tool is the version of what made it.
	Registry, Cluster, Tool string
	// Teams are in the order of verify.
	Teams []Team
	// MaxAge is the age at which a token is replaced; zero where nobody said.
	MaxAge time.Duration
	// Since is how far back Pushes go.
	Since time.Duration
	// Pushes are those that were made and refused, and what could not be read about them.
	Pushes pushlog.List
	// Pins says that GitOps repositories were looked at for what they pin.
	Pins bool
}

// Team is what verify found of one, with what names it.
type Team struct {
	robot.Report
	Organization, Namespace string
	// Keyless says that no token of the team is stored, so that none has an age.
	Keyless bool
}
