package volume

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// again is how often everything is looked at once more, which also is the retry after a failure.
const again = 10 * time.Second

// Run provisions and reclaims until the context ends. What fails is given to report and tried again later.
func (p *Provisioner) Run(ctx context.Context, report func(error)) error {
	factory := informers.NewSharedInformerFactory(p.Client, again)
	core := factory.Core().V1()
	if err := onChange(core.PersistentVolumeClaims().Informer(), func(claim *corev1.PersistentVolumeClaim) {
		if err := p.Provision(ctx, claim); err != nil {
			report(err)
		}
	}); err != nil {
		return err
	}
	if err := onChange(core.PersistentVolumes().Informer(), func(volume *corev1.PersistentVolume) {
		if err := p.Reclaim(ctx, volume); err != nil {
			report(err)
		}
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

func onChange[T any](informer cache.SharedIndexInformer, f func(T)) error {
	call := func(object any) {
		if typed, ok := object.(T); ok {
			f(typed)
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: call, UpdateFunc: func(_, object any) { call(object) }})
	return err
}
