package onboard

import "github.com/comptech-lab/quay-push/pkg/apis/quay/v1alpha1"

// serviceAccount renders what a keyless team has in place of its ExternalSecret. No Pod is it, and none could have a token of it: a token
// is good for the robot, whatever it was made for.
func (t Team) serviceAccount() object {
	account := newObject("v1", "ServiceAccount", t.Tenant.Namespace, t.Tenant.Secret, t.labels())
	account["metadata"].(object)["annotations"] = object{v1alpha1.AnnotationRobot: t.Robot}
	account["automountServiceAccountToken"] = false
	return account
}
