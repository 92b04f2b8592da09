package config

import (
	"fmt"
	"strings"
)

// twoRobots are the keys that named a team's robots while it had two that took turns.
var twoRobots = []string{"robot", "standby-robot"}

// readTwoRobots reads the names of before into RobotNames, so that an upgrade finds the robots that there are.
func (c *Config) readTwoRobots(data map[string]string) error {
	for i, key := range twoRobots {
		value, set := data[key]
		if _, both := data["robot-names"]; set && both {
			return fmt.Errorf("robot-names has the place of %s: take %s out", key, key)
		} else if set {
			c.RobotNames[i] = strings.TrimSpace(value)
		}
	}
	return nil
}
