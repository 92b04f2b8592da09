package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tektoncd/pipeline/pkg/apis/pipeline/v1beta1"
	"k8s.io/utils/clock"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/controller"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/config"
	"github.com/comptech-lab/quay-push/pkg/push/verdict"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
	"github.com/comptech-lab/quay-push/pkg/reconciler/request"
	"github.com/comptech-lab/quay-push/pkg/reconciler/tenancy"
	"github.com/comptech-lab/quay-push/pkg/tenant"
)

// explanation is why a run may push or not.
type explanation struct {
	// Run is the CustomRun, namespace/name.
	Run     string `json:"run"`
	Allowed bool   `json:"allowed"`
	// Team to Secret are whose run it is and what it pushes with; empty where that was not decided.
	Team         string `json:"team,omitempty"`
	Registry     string `json:"registry,omitempty"`
	Organization string `json:"organization,omitempty"`
	Secret       string `json:"secret,omitempty"`
	// ServiceAccount and Robot are what a keyless team has in the Secret's place, namespace/name, and what that is at Quay.
	ServiceAccount string `json:"serviceAccount,omitempty"`
	Robot          string `json:"robot,omitempty"`
	// Reason and Message are why not, as the controller writes them into the run's condition, and Allow is what would allow it.
	Reason  string        `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	Allow   string        `json:"allow,omitempty"`
	Rules   []ruleOutcome `json:"rules"`
	// Recorded is what the controller wrote into the run's status.
	Recorded string `json:"recorded,omitempty"`
	// Ended is how the run ended; nil while it has not.
	Ended *ended `json:"ended,omitempty"`
}

// ended is the end of a run, as the controller wrote it. The message of a push that failed has the step's class, problem and next step.
type ended struct {
	Succeeded bool   `json:"succeeded"`
	Reason    string `json:"reason"`
	Message   string `json:"message"`
	// Vulnerabilities are the worst that the gate found, those first that refused the image; none where there was no gate.
	Vulnerabilities []verdict.Entry `json:"vulnerabilities,omitempty"`
}

// explainer takes decisions with the code with which the controller takes them.
type explainer struct {
	clients   Clients
	cluster   tenancy.Cluster
	config    *config.Config
	namespace string
	now       func() time.Time
}

// explain takes the decision about the run; of one that has ended, about one like it. The error is the API server's.
func (e *explainer) explain(ctx context.Context, run *v1beta1.CustomRun) (explanation, error) {
	x := explanation{Run: run.Namespace + "/" + run.Name, Recorded: recorded(run), Ended: endOf(run)}
	cluster, like := e.cluster, run.DeepCopy()
	like.Status = v1beta1.CustomRunStatus{}
	if x.Ended != nil {
		cluster, like.Spec.Status, like.DeletionTimestamp = ongoing{e.cluster, ""}, "", nil
	}
	// The controller decides on what its cache has of a run.
	cached, err := customrun.Slim(like)
	if err != nil {
		return x, err
	}
	q, err := request.Read(cached.(*v1beta1.CustomRun))
	if failure := tenancy.FailureOf(err); failure != nil {
		x.refuse(ruleRequest, failure)
		x.skipDecision()
		return x, nil
	}
	x.pass(ruleRequest, "kind, params and workspaces are as "+q.Kind+" takes them")
	return x, e.decide(ctx, &x, cluster, q)
}

// decide takes the decision whose run it is.
func (e *explainer) decide(ctx context.Context, x *explanation, cluster tenancy.Cluster, q request.Request) error {
	d, _, err := tenancy.Resolve(ctx, tenancy.NewOwners(cluster, clock.RealClock{}), e.config, q.Run, q.Params, e.now())
	if again, _ := controller.IsRequeueKey(err); again {
		return &failure{ExitFailure, fmt.Sprintf("CustomRun %q is %v", q.Run.Name, tenancy.ErrUnlisted), "run it again in a moment: the controller waits for that, too"}
	}
	refused := tenancy.FailureOf(err)
	if err != nil && refused == nil {
		return err
	}
	x.Rules = append(x.Rules, outcomes(d, err, q)...)
	if refused != nil && refused.Reason != v1alpha1.ReasonSecretMismatch {
		x.Reason, x.Message, x.Allow = refused.Reason, refused.Error(), refused.Next
		x.skip(ruleParam, ruleSecret)
		return nil
	}
	x.Team, x.Registry, x.Organization, x.Secret = d.Team, d.Registry, d.Organization, d.Secret
	if refused != nil {
		x.refuse(ruleParam, refused)
		x.skip(ruleSecret)
		return nil
	}
	x.pass(ruleParam, "it names no other Secret")
	return e.secret(ctx, x, q, d)
}

// secret looks at the Secret, or the ServiceAccount in its place, as the controller does before a push.
func (e *explainer) secret(ctx context.Context, x *explanation, q request.Request, d tenant.Decision) error {
	place := q.Place(e.config, d.Rule)
	name := place.Namespace + "/" + d.Secret
	held, err := place.Holding(ctx, e.cluster, q.Image(), d)
	switch refused := tenancy.FailureOf(err); {
	case err == nil && held.Account != nil:
		if refused := withheld(ctx, e.clients.Kube, *held.Account); refused != nil {
			x.refuse(ruleSecret, refused)
			return nil
		}
		x.Allowed, x.Secret, x.ServiceAccount, x.Robot = true, "", name, held.Account.Robot
		x.pass(ruleSecret, fmt.Sprintf("keyless, by ServiceAccount %s: Quay is asked for a token of robot %s when a run starts", name, held.Account.Robot))
	case err == nil:
		x.Allowed = true
		x.pass(ruleSecret, fmt.Sprintf("Secret %s has a robot of the team for the registry", name))
	case errors.Is(err, errNotYours):
		x.Allowed = true
		what := "Secret " + name
		if place.Custody {
			what += ", or the ServiceAccount in its place"
		}
		x.Rules = append(x.Rules, ruleOutcome{ruleSecret, "skipped", fmt.Sprintf("you may not read %s; the controller looks at it before a push", what)})
	case refused == nil:
		return err
	default:
		x.refuse(ruleSecret, refused)
	}
	return nil
}

// recorded is what the controller wrote about the run.
func recorded(run *v1beta1.CustomRun) string {
	if c := run.Status.GetCondition(apis.ConditionSucceeded); c != nil {
		return fmt.Sprintf("Succeeded=%s, %s: %s", c.Status, c.Reason, c.Message)
	}
	return ""
}

// endOf is how the run ended; nil while it has not.
func endOf(run *v1beta1.CustomRun) *ended {
	c := run.Status.GetCondition(apis.ConditionSucceeded)
	if c == nil || c.IsUnknown() {
		return nil
	}
	return &ended{c.IsTrue(), c.Reason, c.Message, worstOf(run)}
}
