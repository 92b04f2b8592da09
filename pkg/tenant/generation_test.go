package tenant

import "testing"

func TestGeneration(t *testing.T) {
	names := Default().Names("a")
	for username, want := range map[string]int{
		"team-a+ci": 1, "team-a+ci-b": 1, "team-a+ci-2": 2, "team-a+ci-10": 10, "team-a+ci-999999": 999_999,
		"": 0, "team-a": 0, "team-a+": 0, "ci": 0, "ci-2": 0, "team-b+ci": 0, "team-b+ci-2": 0, "team-a+cix": 0, "team-a+ci-": 0, "team-a+ci-0": 0,
		"team-a+ci-1": 0, "team-a+ci-02": 0, "team-a+ci-+2": 0, "team-a+ci--2": 0, "team-a+ci-2 ": 0, "team-a+ci-2-3": 0, "team-a+ci-b-2": 0, "team-a+ci-c": 0,
		"team-a+ci-1000000": 0, "team-a+ci-99999999999999999999": 0, "team-a+ci-٢": 0, "team-a+CI": 0, "team-a+ci-2\n": 0,
	} {
		if got := names.Generation(username); got != want || names.OwnsRobot(username) != (want > 0) {
			t.Errorf("Generation(%q) = %d, want %d", username, got, want)
		}
	}
}

func TestRobotIsItsGeneration(t *testing.T) {
	names := Default().Names("a")
	for generation, want := range map[int]string{1: "team-a+ci", 2: "team-a+ci-2", 31: "team-a+ci-31", 999_999: "team-a+ci-999999"} {
		if got := names.Robot(generation); got != want || names.Generation(got) != generation {
			t.Errorf("Robot(%d) = %q, of generation %d", generation, got, names.Generation(got))
		}
	}
}

func TestRobotInUse(t *testing.T) {
	names := Default().Names("a")
	for _, test := range []struct{ onboarded, successor, want string }{
		{"team-a+ci", "", "team-a+ci"},
		{"team-a+ci", "team-a+ci-2", "team-a+ci-2"},
		{"team-a+ci-9", "team-a+ci-10", "team-a+ci-10"},
		// Onboarded again after that: Git has a later one.
		{"team-a+ci-3", "team-a+ci-2", "team-a+ci-3"},
		{"team-a+ci-2", "team-a+ci-2", "team-a+ci-2"},
		{"team-a+ci", "team-a+ci-b", "team-a+ci"},
		// What is none of the team's is for the caller to refuse, whichever it is.
		{"team-a+ci", "team-b+ci-2", "team-b+ci-2"},
		{"team-b+ci", "team-a+ci-2", "team-b+ci"},
		{"", "team-a+ci-2", ""},
		{"", "", ""},
	} {
		if got := names.RobotInUse(test.onboarded, test.successor); got != test.want {
			t.Errorf("RobotInUse(%q, %q) = %q, want %q", test.onboarded, test.successor, got, test.want)
		}
	}
}
