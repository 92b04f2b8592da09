package robot

import "context"

// former is who pushed so far.
type former struct {
	// username is the robot's name, empty if nobody knows; version is the one in Vault to write on.
	username string
	version  int
}

// former returns who pushed so far, by Vault, or by the ServiceAccount.
func (s Services) former(ctx context.Context, t Tenant) (former, error) {
	if t.Keyless {
		account, err := s.serviceAccount(ctx, t)
		return former{username: account.Robot}, err
	}
	found, err := s.read(ctx, t)
	return former{username: found.username, version: found.version}, err
}

// handover are the tasks that make the new robot, and the one by which the cluster takes it over.
func (l *leaking) handover(ctx context.Context, found former) (makes []task, hand task, err error) {
	if !l.Keyless {
		return l.makeTasks(), l.secretTask("secret", "have the Secret take it over", func() credential { return l.to }), nil
	}
	heir, err := l.heir(ctx, l.Tenant, found.username, l.to.username, l.repositories, nil)
	if err != nil {
		return nil, task{}, err
	}
	return heir.heirTasks(), l.nameTask(l.Tenant, func() string { return l.to.username }), nil
}
