package preflight

import (
	"cmp"
	"fmt"
	"time"

	"github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"
	"github.com/comptech-lab/quay-push/pkg/push/failure"
	"github.com/comptech-lab/quay-push/pkg/push/permission"
	"github.com/comptech-lab/quay-push/pkg/reconciler/customrun"
)

// reasons are what the classes are called in a run's condition. A class that is not here is ReasonPreflightFailed.
var reasons = map[failure.Class]string{
	failure.ClassUsage:             v1alpha1.ReasonInvalidParams,
	failure.ClassCredentialRefused: v1alpha1.ReasonRobotRefused,
	failure.ClassPushDenied:        v1alpha1.ReasonPushDenied,
	failure.ClassNoAccess:          v1alpha1.ReasonRepositoryMissing,
	failure.ClassQuota:             v1alpha1.ReasonQuotaExceeded,
	failure.ClassRegistryReadOnly:  v1alpha1.ReasonRegistryReadOnly,
	failure.ClassNetwork:           v1alpha1.ReasonRegistryUnreachable,
	failure.ClassCertificate:       v1alpha1.ReasonRegistryUnreachable,
	failure.ClassUnavailable:       v1alpha1.ReasonRegistryUnreachable,
	failure.ClassRateLimited:       v1alpha1.ReasonRegistryUnreachable,
	failure.ClassTimeout:           v1alpha1.ReasonRegistryUnreachable,
}

const later = "see whether Quay runs, then run the pipeline again: nothing was built yet"

// next is the next step where it is another for who asks from the controller, and before the build, than for the push.
var next = map[failure.Class]string{
	failure.ClassNoAccess: "create the repository and give the robot Write on it; if the robot may create repositories, let the param " +
		v1alpha1.ParamPreflight + " be " + v1alpha1.PreflightAllowNew + ": whether it may shows only when it does",
	failure.ClassRegistryReadOnly: "wait until Quay takes pushes again, then run the pipeline again: nothing was built yet",
	failure.ClassNetwork:          "see whether Quay runs and can be reached from the controller, by the proxy of its Deployment and the network's policies; then run the pipeline again",
	failure.ClassCertificate:      "let the controller trust the authority of Quay's certificate, see docs/provenance.md; if the push reaches Quay, leave the param " + v1alpha1.ParamPreflight + " out until then",
	failure.ClassUnavailable:      later,
	failure.ClassRateLimited:      later,
	failure.ClassTimeout:          later,
	failure.ClassForeignHost:      "leave the param " + v1alpha1.ParamPreflight + " out: the controller gives the credential to the registry's own host alone, see docs/provenance.md",
}

// Lacks is what a run lacks of which the registry could not be asked.
const Lacks = "the registry gave no answer yet"

// refused is what the registry's refusal is to the run: with the class that the push would end with.
func refused(r *permission.Refusal, host string, patience time.Duration) *customrun.Setback {
	f := *r.Failure
	s := &customrun.Setback{Failure: customrun.Failure{Reason: cmp.Or(reasons[f.Class], v1alpha1.ReasonPreflightFailed), Next: cmp.Or(next[f.Class], f.Next)},
		Passing: r.Passing, After: r.After}
	if f.Class == failure.ClassTimeout {
		f.Problem = fmt.Sprintf("%s gave no answer within %s", host, patience)
	}
	f.Next = ""
	s.Message = f.Error()
	return s
}
