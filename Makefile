# make prints this list. Everything here runs on a machine with nothing but Go, apt and root; test needs neither apt nor root.
# RACE=-race, for test and alerts, needs a C compiler, too.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/quay-push
KO_VERSION := v0.19.1
CRANE_VERSION := v0.22.1
AXE_VERSION := 4.14.1
BUILDKIT_VERSION := v0.34.2
GOVULNCHECK_VERSION := v1.9.0
STATICCHECK_VERSION := v0.8.2

# What is shipped is built by the Go of go.mod's toolchain line, which an older Go downloads; some installations, as the
# image golang, forbid it and would build with their own. make GOTOOLCHAIN=local does that on purpose.
export GOTOOLCHAIN := auto

# What a release is built on; the cluster's own base, below, is none for others.
BASE := $(or $(BASE),$(KO_DEFAULTBASEIMAGE))

# With KUBECONFIG set, everything uses that cluster and pushes its images to $KO_DOCKER_REPO; else to the one-node cluster
# that cluster-up starts.
ifeq ($(KUBECONFIG),)
cluster := cluster-up
export KUBECONFIG := $(CACHE)/cluster/kubeconfig
export KO_DOCKER_REPO := localhost:5000
export KO_DEFAULTBASEIMAGE := localhost:5000/static:latest
endif
export PATH := $(CURDIR)/bin:$(CACHE)/cluster/bin:$(PATH)

.PHONY: help try docs test lint alerts vulncheck fuzz e2e argocd demo vault receipt release release-test scale builders conformance cluster-up cluster-down tekton external-secrets bench-push bench-controller report olm

help: ## Show the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

try: ## The main job told as a story in one process, without a cluster: a push, a refusal, the overlay's changed line
	go run ./test/try

# What takes long says so with testing.Short, the race detector makes the rest take several times as long, and vet reads
# every package that is built in. CI leaves none of it out: make test SHORT= RACE=-race && make lint RACE=-race
SHORT ?= -short
RACE ?=
test: ## Unit and in-process tests: no root, no cluster (SHORT= RACE=-race for all that CI runs)
	go test $(RACE) -vet=off $(SHORT) -timeout 30m ./...
	go test -C test/cluster $(RACE) -vet=off ./dns/ ./image/ ./netns/ ./pause/ ./pki/ ./progress/
	go test -C test/tekton $(RACE) -vet=off ./...
	go test -C test/bench $(RACE) -vet=off ./...
	go test -C test/bench-controller $(RACE) -vet=off ./...

STATICCHECK := $(CURDIR)/bin/staticcheck@$(STATICCHECK_VERSION)
$(STATICCHECK):
	GOBIN=$@.d go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
	mv $@.d/staticcheck $@ && rmdir $@.d

# Built as make test builds it (hence RACE), so that nothing is compiled twice. What starts Kubernetes and Vault is formatted
# alone: both tools would read thousands of packages for a few files of ours.
lint: $(STATICCHECK) ## gofmt, vet and staticcheck, of all but what starts Kubernetes and Vault (RACE=-race where make test had it)
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet $(RACE) -tags $(TAGS) ./...
	GOFLAGS="$$GOFLAGS $(RACE)" $(STATICCHECK) -tags $(TAGS) ./...
	@set -e; for module in bench bench-controller browser tekton; do (set -x; cd test/$$module; \
		go vet $(RACE) -tags browser ./...; GOFLAGS="$$GOFLAGS $(RACE)" $(STATICCHECK) -tags browser ./...); done

# What only the cluster, Vault, a long run or Prometheus' tool runs.
TAGS := e2e,argocd,vault,cosign,release,scale,promtool,builders

# Prometheus' own tool, from Debian's package and without its server.
PROMTOOL := $(CACHE)/prometheus/usr/bin
$(PROMTOOL)/promtool:
	rm -rf $(CACHE)/prometheus && mkdir -p $(CACHE)/prometheus
	apt-get update -q
	cd $(CACHE)/prometheus && apt-get download -q prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb usr/bin/prometheus

alerts: $(PROMTOOL)/promtool ## The alerts, fired and silenced by Prometheus' promtool, and the dashboard's queries
	PATH=$(PROMTOOL):$$PATH go test $(RACE) -vet=off -count=1 -tags promtool ./test/monitoring/

# Chromium is Debian's. axe-core, which tells what keeps people from reading a page, is the npm registry's.
AXE := $(CACHE)/axe-core-$(AXE_VERSION)
$(AXE)/package/axe.min.js:
	rm -rf $(AXE).d && mkdir -p $(AXE).d
	cd $(AXE).d && npm pack --silent axe-core@$(AXE_VERSION) && tar xzf axe-core-$(AXE_VERSION).tgz package/axe.min.js package/LICENSE
	rm -rf $(AXE) && mv $(AXE).d $(AXE)

/usr/bin/chromium:
	apt-get update -q
	apt-get install -y -q --no-install-recommends chromium

report: /usr/bin/chromium $(AXE)/package/axe.min.js ## The page of tkn quay report, read in Chromium and by axe-core (UPDATE=-update takes its picture)
	AXE=$(AXE)/package/axe.min.js go test -C test/browser $(RACE) -vet=off -count=1 -timeout 20m -tags browser ./... $(UPDATE)

# The database is pinned, so that CI turns red by a commit alone; VULNDB=latest tells what became known since, and a commit takes it.
# The scan is of what ko.yaml builds, so without cgo.
VULNDB ?= v0.0.0-20261105234957-e22db6528018
SCAN := $(CACHE)/vulncheck.json
vulncheck: ## Known vulnerabilities that the programs reach, but those of test/vulncheck/accepted.txt (VULNDB=latest for the newest)
	@mkdir -p $(dir $(SCAN))
	go mod download golang.org/x/vulndb@$(VULNDB)
	database=$$(go list -m -f '{{.Dir}}' golang.org/x/vulndb@$(VULNDB)) && CGO_ENABLED=0 GOMEMLIMIT=3GiB \
		go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) -format json -db "file://$$database/data/osv" ./cmd/... > $(SCAN)
	go run ./test/vulncheck < $(SCAN)

docs: ## Write docs/cli from the commands
	rm -rf docs/cli
	go run ./cmd/tkn-quay docs markdown docs/cli

FUZZTIME ?= 60s
fuzz: ## What strangers write, for a minute each (FUZZTIME=60s)
	@set -e; for package in $$(go list ./pkg/push/... ./pkg/dockerconfig ./pkg/overlay ./pkg/quay); do for target in $$(go test -list '^Fuzz' $$package | grep ^Fuzz); do \
		go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$package; done; done

e2e: tekton external-secrets bin/cosign ## The tests that need the cluster
	CGO_ENABLED=0 go test -C test/cluster -vet=off ./node/
	go test -tags e2e -count=1 -v -timeout 60m ./test/e2e/

argocd: tekton external-secrets ## Argo CD's own first sync of what is kept in Git, and its comparison of that with the cluster after a day's work
	go test -C test/argocd -tags e2e -count=1 -v -timeout 20m ./...
	go test -tags e2e,argocd -count=1 -v -timeout 25m -run '^TestArgoCD$$' ./test/e2e/

demo: tekton ## The main job told as a story, from a commit to the running app, each statement checked
	go run ./test/demo

vault: ## The tests that need the real Vault server, which they build
	go test -tags vault -count=1 -timeout 30m ./pkg/vault/
	go test -tags vault -count=1 -timeout 30m -run RealVault ./pkg/robot/ ./pkg/cli/

# The program of a stranger, which takes longer to build than all of ours.
receipt: bin/cosign ## Receipts of pushes, verified by cosign, which is built first
	go test -tags cosign -count=1 -timeout 10m -run Cosign ./pkg/receipt/

bin/cosign: test/receipt/go.mod
	go build -C test/receipt -trimpath -o $(CURDIR)/$@ github.com/sigstore/cosign/v3/cmd/cosign

release: bin/ko bin/cosign ## A release of the commit at hand, in dist/: VERSION=v0.2.0 REGISTRY=quay.example.com/quay-push KEY=release.key (BASE= PLATFORMS= URL=)
	go run ./release -version "$(VERSION)" -registry "$(REGISTRY)" -key "$(KEY)" -base "$(BASE)" -platforms "$(PLATFORMS)" -url "$(URL)"

release-test: bin/ko bin/cosign ## Two releases of the commit at hand, compared, and verified by cosign (PLATFORMS=linux/amd64)
	go test -tags release -vet=off -count=1 -v -timeout 30m -run TestRelease ./release/ ./release/image/

# Their module is as large as the rest together.
olm: ## The bundle for OpenShift's Operator Lifecycle Manager, judged by its own validators
	go test -C test/olm -vet=off ./...

scale: ## A thousand tenants verified and rotated by the tool, against quaytest
	go test -tags scale -count=1 -v -timeout 20m -run Thousand ./pkg/cli

BUILDERS := $(CACHE)/builders
builders: ## What buildah, podman, skopeo, crane, BuildKit and ko really write, pushed and pulled back: writes docs/builders.md
	test/builders/install.sh $(BUILDERS) crane=$(CRANE_VERSION) ko=$(KO_VERSION) buildkit=$(BUILDKIT_VERSION)
	PATH=$(BUILDERS):$$PATH go test -vet=off -tags builders -count=1 -v -timeout 20m -run TestBuilders ./test/builders/ -update

conformance: tekton ## Each line of the contract between Tekton and a custom task: pass, fail, or why not
	cd test/conformance && go test -count=1 -timeout 20m -run TestConformance -cluster

cluster-up: ## Start the one-node cluster, or find it running (ADMISSION_PLUGINS=NodeRestriction,OwnerReferencesPermissionEnforcement)
	go run -C test/cluster . up$(if $(ADMISSION_PLUGINS), --admission-plugins=$(ADMISSION_PLUGINS))

cluster-down: ## Stop it and delete all but the programs that were built
	go run -C test/cluster . down

tekton: $(cluster) bin/ko
	go run -C test/tekton . install pipelines

external-secrets: $(cluster) bin/ko
	go run -C test/tekton . install external-secrets

bin/ko:
	GOBIN=$(CURDIR)/bin go install github.com/google/ko@$(KO_VERSION)

bench-push: ## push-image beside crane, regctl, skopeo and podman: writes docs/benchmarks (CASE=large BENCH_RUNS=5)
	go run -C test/bench . -case "$(CASE)" -runs $(or $(BENCH_RUNS),5)

# The programs of the cluster, which cluster-up builds too.
$(CACHE)/cluster/bin/kube:
	CGO_ENABLED=0 go build -C test/cluster -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3' -o $@ ./kube

BENCH := $(CACHE)/bench-controller
bench-controller: $(CACHE)/cluster/bin/kube ## The controller beside a custom task of Tekton's shape: writes docs/benchmarks (CASE=size SEED=1)
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $(BENCH)/ ./cmd/controller
	CGO_ENABLED=0 go build -C test/bench-controller -trimpath -ldflags '-s -w' -o $(BENCH)/ . ./waittask
	unshare --net sh -c 'ip link set lo up && exec "$$@"' bench $(BENCH)/bench-controller -root $(CURDIR) -bin $(BENCH) \
		-kube $(CACHE)/cluster/bin/kube -case "$(CASE)" -seed $(or $(SEED),0)
