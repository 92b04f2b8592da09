//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// watched are the objects that people read, of which every state is read. Secrets are not among them.
var watched = []schema.GroupVersionResource{
	{Version: "v1", Resource: "events"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "pods"},
	{Group: "tekton.dev", Version: "v1", Resource: "pipelineruns"},
	{Group: "tekton.dev", Version: "v1", Resource: "taskruns"},
	{Group: "tekton.dev", Version: "v1beta1", Resource: "customruns"},
}

// listener reads what the cluster says while the tests run: objects, and the logs of all containers as long as they are there.
type listener struct {
	text  *text
	began metav1.Time
	// kube is a client of its own, so that the tests don't wait for it.
	kube      kubernetes.Interface
	informers dynamicinformer.DynamicSharedInformerFactory
	stop      context.CancelFunc
	ctx       context.Context
	logs      sync.WaitGroup

	mu sync.Mutex
	// followed are the containers whose log is read, by Pod, name and restart.
	followed map[string]bool
}

// listen begins to listen. Close must be called.
func listen(ctx context.Context, config *rest.Config, to *text) (*listener, error) {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	l := &listener{text: to, began: metav1.Now(), kube: kube, informers: dynamicinformer.NewDynamicSharedInformerFactory(client, 0), followed: map[string]bool{}}
	l.ctx, l.stop = context.WithCancel(ctx)
	for _, resource := range watched {
		read := func(object any) { l.read(resource.Resource, object) }
		_, err := l.informers.ForResource(resource).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: read, UpdateFunc: func(_, object any) { read(object) }})
		if err != nil {
			return nil, err
		}
	}
	l.informers.Start(l.ctx.Done())
	for resource, synced := range l.informers.WaitForCacheSync(l.ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("listing %s: %w", resource.Resource, ctx.Err())
		}
	}
	return l, nil
}

// read reads one state of an object, and begins to follow the log of a Pod's containers.
func (l *listener) read(resource string, object any) {
	state := object.(*unstructured.Unstructured)
	l.text.readObject(resource, state)
	if resource != "pods" {
		return
	}
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(state.Object, pod); err != nil {
		panic(err)
	}
	for _, c := range append(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses...) {
		key := fmt.Sprintf("%s/%s/%d", pod.UID, c.Name, c.RestartCount)
		l.mu.Lock()
		begin := (c.State.Running != nil || c.State.Terminated != nil) && !l.followed[key] && l.ctx.Err() == nil
		l.followed[key] = l.followed[key] || begin
		l.mu.Unlock()
		if begin {
			l.logs.Go(func() { l.follow(pod, c.Name) })
		}
	}
}

// follow reads a container's log to its end. A Pod that is gone by then says nothing any more.
func (l *listener) follow(pod *corev1.Pod, container string) {
	log, err := l.kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: container, Follow: true}).Stream(l.ctx)
	if err != nil {
		return
	}
	defer log.Close()
	l.text.read("logs", log)
}

// close reads what is left, and stops.
func (l *listener) close(ctx context.Context) error {
	pods, err := l.kube.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	// Who follows a log loses it when a connection breaks, and does not hear the last of it.
	for _, pod := range pods.Items {
		for _, c := range pod.Spec.Containers {
			log, err := l.kube.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: c.Name, SinceTime: &l.began}).DoRaw(ctx)
			if err == nil {
				l.text.read("logs", strings.NewReader(string(log)))
			}
		}
	}
	l.stop()
	l.informers.Shutdown()
	l.logs.Wait()
	if len(l.followed) == 0 {
		return errors.New("no log was read")
	}
	return nil
}
