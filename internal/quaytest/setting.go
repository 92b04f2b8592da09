package quaytest

// SetAnonymousAccess lets nobody in particular read what is public, as Quay
// does unless FEATURE_ANONYMOUS_ACCESS is off. Without it every request has to
// come from somebody, and one with a wrong credential is told only that.
func (q *Quay) SetAnonymousAccess(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noAnonymous = !on
}

// SetBearerLogin has every bearer token taken for the password of the robot
// that it was issued to, and tokens of an issuer exchanged for one, as Quay
// does since version 3.13. Without it a robot has no federation either.
func (q *Quay) SetBearerLogin(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noBearerLogin = !on
}

// SetImmutability has FEATURE_IMMUTABLE_TAGS on, as here by default, or off, as
// by default in Quay and always before 3.17: there are no policies then, and
// no tag is immutable.
func (q *Quay) SetImmutability(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.noImmutability = !on
}

// SetReadOnly puts the whole registry into read-only mode or out of it.
func (q *Quay) SetReadOnly(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.readOnly = on
}

// DisablePushes turns pushes off for the whole registry, or on again.
func (q *Quay) DisablePushes(off bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pushesOff = off
}

// isOlder reports whether it is one before 3.13.
func (q *Quay) isOlder() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.noBearerLogin
}

func (q *Quay) refusesAnonymous() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.noAnonymous
}
