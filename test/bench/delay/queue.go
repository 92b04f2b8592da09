package delay

import "sync"

// queue holds the packets that are under way, at most inFlight bytes of them.
type queue struct {
	mu      sync.Mutex
	changed sync.Cond
	packets []packet
	bytes   int
	ended   bool // no packet follows
	drained bool // none is taken any more
}

func newQueue() *queue {
	q := &queue{}
	q.changed.L = &q.mu
	return q
}

// push adds p; it waits while too much is under way.
func (q *queue) push(p packet) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes+len(p.data) > inFlight && !q.drained {
		q.changed.Wait()
	}
	if q.drained {
		return
	}
	q.packets = append(q.packets, p)
	q.bytes += len(p.data)
	q.changed.Broadcast()
}

// pop takes the oldest packet; it waits for one, and ok is false when none follows.
func (q *queue) pop() (p packet, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.packets) == 0 && !q.ended {
		q.changed.Wait()
	}
	if len(q.packets) == 0 {
		return packet{}, false
	}
	p = q.packets[0]
	q.packets = q.packets[1:]
	q.bytes -= len(p.data)
	q.changed.Broadcast()
	return p, true
}

// end says that no packet follows.
func (q *queue) end() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.changed.Broadcast()
}

// drain drops what is there and what is pushed from now on.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drained, q.packets, q.bytes = true, nil, 0
	q.changed.Broadcast()
}
