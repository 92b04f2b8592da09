package replica

import (
	"testing"
	"time"
)

func TestEnvironment(t *testing.T) {
	env, err := Shipped("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"SYSTEM_NAMESPACE": "quay-push", "METRICS_PROMETHEUS_HOST": "", "METRICS_PROMETHEUS_PORT": "9091", "CONFIG_LEADERELECTION_NAME": "config-leader-election"} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	if _, given := env["POD_NAME"]; given {
		t.Error("all replicas would have one name")
	}
	for name, manifest := range map[string]string{
		"another kind":  "kind: Service\n",
		"no containers": "kind: Deployment\n",
		"no YAML":       "kind: [",
	} {
		if _, err := environment([]byte(manifest)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestCPU(t *testing.T) {
	got, err := cpu([]byte("42 (a (b) c) S 1 42 42 0 -1 4194304 9 0 0 0 250 50 0 0 20 0 9 0 77 1 2 3\n"))
	if err != nil || got != 3*time.Second {
		t.Errorf("cpu = %v, %v; want 3s", got, err)
	}
	for _, stat := range []string{"", "42 (x) S 1", "42 (x) S 1 42 42 0 -1 4194304 9 0 0 0 a b 0"} {
		if _, err := cpu([]byte(stat)); err == nil {
			t.Errorf("%q is read", stat)
		}
	}
}

func TestMemory(t *testing.T) {
	got, err := memory([]byte("Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\nRssFile:\t 512 kB\n"))
	if want := (Memory{Resident: 1 << 20, Peak: 2 << 20, Program: 512 << 10}); err != nil || got != want {
		t.Errorf("memory = %+v, %v; want %+v", got, err, want)
	}
	if _, err := memory([]byte("VmRSS:\t1 kB\n")); err == nil {
		t.Error("a status without a peak is read")
	}
	if got, err := number("a\n# HeapAlloc = 17\n", "# HeapAlloc = "); err != nil || got != 17 {
		t.Errorf("number = %v, %v", got, err)
	}
}

const exported = `# TYPE kn_workqueue_process_duration_seconds histogram
kn_workqueue_process_duration_seconds_bucket{name="a",le="+Inf"} 3
kn_workqueue_process_duration_seconds_sum{name="a"} 1
kn_workqueue_process_duration_seconds_count{name="a"} 3
kn_workqueue_process_duration_seconds_bucket{name="b",le="+Inf"} 4
kn_workqueue_process_duration_seconds_sum{name="b"} 1
kn_workqueue_process_duration_seconds_count{name="b"} 4
# TYPE quay_push_leading gauge
quay_push_leading{kind="PushImage"} 1
quay_push_leading{kind="ResolveTenant"} 0
`

func TestMetrics(t *testing.T) {
	m, err := parse([]byte(exported))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Reconciles(); got != 7 {
		t.Errorf("%d reconciles, want 7", got)
	}
	if !m.Leads("PushImage") || m.Leads("ResolveTenant") || m.Leads("Another") {
		t.Errorf("leads PushImage %v, ResolveTenant %v, Another %v", m.Leads("PushImage"), m.Leads("ResolveTenant"), m.Leads("Another"))
	}
	if _, err := parse([]byte("no metrics {")); err == nil {
		t.Error("what are no metrics is read")
	}
}
