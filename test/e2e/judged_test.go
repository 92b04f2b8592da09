//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// A judge that cannot fail shows nothing: each of these reaches what is another's, and it says so, of what.
func TestJudge(t *testing.T) {
	for name, bases := range honest {
		for i, base := range bases {
			if found := judged(edited(t, base, `{"metadata":{"name":"platform--x"}}`).Object); found != nil && (strings.HasSuffix(name, "PipelineRun") || strings.HasSuffix(name, "Pod")) {
				t.Errorf("honest %s %d: %v", name, i, found)
			}
		}
	}
	metadata := map[string]string{
		"no team":               `{"metadata":{"labels":{"apps.platform/team":null}}}`,
		"payments":              `{"metadata":{"labels":{"apps.platform/team":"payments"}}}`,
		"team-payments":         `{"metadata":{"labels":{"pipeline.comptech-lab.com/team":"team-payments"}}}`,
		"app comes to its Pods": `{"metadata":{"labels":{"app":"x"}}}`,
		`"payments--x"`:         `{"metadata":{"name":"payments--x"}}`,
		"team somebody":         `{"metadata":{"labels":{"quay.comptech-lab.com/team":"somebody"}}}`,
		"code or a contro":      `{"spec":{"pipelineSpec":{"tasks":[]}}}`,
		`Secret "git-x"`:        `{"spec":{"workspaces":[{"name":"a","secret":{"secretName":"git-x"}}]}}`,
		"not of the team":       `{"metadata":{"name":"platform--x--y"}}`,
		"chains.tekton.dev":     `{"metadata":{"annotations":{"chains.tekton.dev/signed":"true"}}}`,
	}
	for want, edit := range metadata {
		wantFound(t, honestRun, edit, want)
	}
	for want, spec := range map[string]string{
		`ServiceAccount "default"`:      `{"taskRunTemplate":{"serviceAccountName":"default"}}`,
		"it has Tekton's default":       `{"taskRunTemplate":null}`,
		"no Pipeline of the":            `{"pipelineRef":{"name":null,"resolver":"git","params":[{"name":"url","value":"https://x"}]}}`,
		"keeps other teams' Pods":       `{"taskRunTemplate":{"podTemplate":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{}]}}}}}`,
		"hostNetwork":                   `{"taskRunTemplate":{"podTemplate":{"hostNetwork":true}}}`,
		"of kind hostPath":              `{"taskRunTemplate":{"podTemplate":{"volumes":[{"name":"a","hostPath":{"path":"/"}}]}}}`,
		`names "git-payments"`:          `{"workspaces":[{"name":"a","credentials":{"of":"git-payments"}}]}`,
		`claim "payments--cache"`:       `{"workspaces":[{"name":"a","persistentVolumeClaim":{"claimName":"payments--cache"}}]}`,
		`claim "pvc-0123456789"`:        `{"workspaces":[{"name":"a","persistentVolumeClaim":{"claimName":"pvc-0123456789"}}]}`,
		`ConfigMap "x"`:                 `{"workspaces":[{"name":"a","configMap":{"name":"x"}}]}`,
		"what somebody left":            `{"workspaces":[{"name":"a","volumeClaimTemplate":{"spec":{"dataSource":{"name":"x"}}}}]}`,
		"a token":                       `{"workspaces":[{"name":"a","projected":{"sources":[{"serviceAccountToken":{"path":"x"}}]}}]}`,
		"code or a controller":          `{"managedBy":"x.example.com/y"}`,
		`taskServiceAccountName: Servi`: `{"taskRunSpecs":[{"pipelineTaskName":"a","taskServiceAccountName":"default"}]}`,
	} {
		wantFound(t, honestRun, `{"spec":`+spec+`}`, want)
	}
	volume := func(kind string) string { return `{"volumes":[{"name":"v",` + kind + `}]}` }
	container := func(field string) string { return `{"containers":[{"name":"a",` + field + `}]}` }
	for want, spec := range map[string]string{
		`secret: Secret "git-payments"`:       volume(`"secret":{"secretName":"git-payments"}`),
		`sources[0].secret: Secret "x"`:       volume(`"projected":{"sources":[{"secret":{"name":"x"}}]}`),
		`nodePublishSecretRef: Secret "x"`:    volume(`"csi":{"driver":"d","nodePublishSecretRef":{"name":"x"}}`),
		`iscsi.secretRef: Secret "x"`:         volume(`"iscsi":{"secretRef":{"name":"x"}}`),
		`flexVolume.secretRef: Secret "x"`:    volume(`"flexVolume":{"secretRef":{"name":"x"}}`),
		"a volume of kind ephemeral":          volume(`"ephemeral":{"volumeClaimTemplate":{"spec":{}}}`),
		"a volume of kind invented":           volume(`"invented":{}`),
		"hostPath map":                        volume(`"hostPath":{"path":"/"}`),
		"serviceAccountToken: a token":        volume(`"projected":{"sources":[{"serviceAccountToken":{"path":"x"}}]}`),
		"a certificate":                       volume(`"projected":{"sources":[{"podCertificate":{"signerName":"x"}}]}`),
		`claim "payments--cache"`:             volume(`"persistentVolumeClaim":{"claimName":"payments--cache"}`),
		`"payments--x" is another team's`:     volume(`"configMap":{"name":"payments--x"}`),
		`secretKeyRef: Secret "x"`:            container(`"env":[{"name":"A","valueFrom":{"secretKeyRef":{"name":"x","key":"y"}}}]`),
		`secretRef: Secret "signing-secrets"`: container(`"envFrom":[{"secretRef":{"name":"signing-secrets"}}]`),
		"port 8080 of the node":               container(`"ports":[{"hostPort":8080}]`),
		"privileged":                          container(`"securityContext":{"privileged":true}`),
		"capability SYS_ADMIN":                container(`"securityContext":{"capabilities":{"add":["SYS_ADMIN"]}}`),
		"procMount Unmasked":                  container(`"securityContext":{"procMount":"Unmasked"}`),
		"map[type:Unconfined]":                container(`"securityContext":{"seccompProfile":{"type":"Unconfined"}}`),
		"role system_r":                       container(`"securityContext":{"seLinuxOptions":{"role":"system_r"}}`),
		"volumeDevices":                       container(`"volumeDevices":[{"name":"v","devicePath":"/dev/x"}]`),
		"imagePullSecrets: Secret":            `{"imagePullSecrets":[{"name":"quay-robot-team-payments"}]}`,
		`ServiceAccount "trigger-payments"`:   `{"serviceAccountName":"trigger-payments"}`,
		"nodeName node":                       `{"nodeName":"node"}`,
		"hostPID":                             `{"hostPID":true}`,
		"hostIPC":                             `{"hostIPC":true}`,
		"sysctls":                             `{"securityContext":{"sysctls":[{"name":"a","value":"b"}]}}`,
		"windowsOptions":                      `{"securityContext":{"windowsOptions":{"hostProcess":true}}}`,
		"resourceClaims":                      `{"resourceClaims":[{"name":"a"}]}`,
		"initContainers[0].envFrom[0].secret": `{"initContainers":[{"name":"a","envFrom":[{"secretRef":{"name":"x"}}]}]}`,
	} {
		wantFound(t, tektonPod, `{"spec":`+spec+`}`, want)
	}
	wantFound(t, tektonPod, `{"metadata":{"labels":{"tekton.dev/taskRun":"payments--x-build"}}}`, `taskRun: "payments--x-build" is another team's`)
}

// wantFound fails unless the judge finds it in what edit makes of base.
func wantFound(t *testing.T, base, edit, want string) {
	t.Helper()
	if found := fmt.Sprint(judged(edited(t, base, edit).Object)); !strings.Contains(found, want) {
		t.Errorf("%s: found %s, want %q", edit, found, want)
	}
}
